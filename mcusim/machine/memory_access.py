"""Loads, stores and calls at plain addresses for numba-compiled code."""

from __future__ import annotations

import llvmlite.ir as ir
from numba import types
from numba.extending import intrinsic


def _loader(bits: int, signed: bool = False):
    @intrinsic
    def load(typing_context, address):
        def generate(context, builder, signature, arguments):
            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            value = builder.load(pointer, align=1)
            if bits == 64:
                return value
            return (builder.sext if signed else builder.zext)(value, ir.IntType(64))

        return types.int64(types.int64), generate

    return load


load_word = _loader(64)
load_u32 = _loader(32)
load_u16 = _loader(16)
load_u8 = _loader(8)


@intrinsic
def store_word(typing_context, address, value):
    """Store 64 bits."""

    def generate(context, builder, signature, arguments):
        builder.store(arguments[1], builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def store_u32(typing_context, address, value):
    """Store the lower 32 bits."""

    def generate(context, builder, signature, arguments):
        word = ir.IntType(32)
        builder.store(builder.trunc(arguments[1], word), builder.inttoptr(arguments[0], word.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def call_discover(typing_context, function, address, size):
    """Call ``void function(uint64 address, uint64 size)``."""

    def generate(context, builder, signature, arguments):
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word, word])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [arguments[1], arguments[2]])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def call_stop(typing_context, function, engine):
    """Call ``uc_err uc_emu_stop(uc_engine *)``."""

    def generate(context, builder, signature, arguments):
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.IntType(32), [word])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [arguments[1]])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def call_register_read(typing_context, function, engine, register, destination):
    """Call ``uc_err uc_reg_read(uc_engine *, int register, void *destination)``."""

    def generate(context, builder, signature, arguments):
        word, small = ir.IntType(64), ir.IntType(32)
        kind = ir.FunctionType(small, [word, small, word])
        number = builder.trunc(arguments[2], small)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [arguments[1], number, arguments[3]])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, types.int64), generate


@intrinsic
def call_slow(typing_context, function, state, first, second, third):
    """Call ``void function(int64 state, int64, int64, int64)``: through a pointer, so that it is never inlined."""

    def generate(context, builder, signature, arguments):
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word] * 4)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate
