"""Peripheral models by the name that board files use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from mcusim.boards.board import PeripheralSpec
from mcusim.errors import BoardError
from mcusim.machine.peripheral import Chip, Peripheral

PLACES = {
    "register-bank": "register_bank:RegisterBank",
    "unmodelled": "register_bank:UnmodelledRegisters",
    "constant-words": "constant_words:ConstantWords",
    "stm32-rcc": "stm32_rcc:ClockControl",
    "stm32-flash": "stm32_flash:FlashController",
    "stm32-icache": "stm32_icache:InstructionCache",
    "stm32-usart": "stm32_usart:Usart",
    "stm32-usart-sr": "stm32_usart_sr:StatusUsart",
    "stm32-timer": "stm32_timer:Timer",
    "stm32-lptim": "stm32_lptim:LowPowerTimer",
    "stm32-rtc": "stm32_rtc:RealTimeClock",
    "stm32-dma": "stm32_dma:ChannelDma",
    "stm32-dmamux": "stm32_dmamux:RequestMultiplexer",
    "stm32-dma-stream": "stm32_dma_stream:StreamDma",
    "stm32-gpdma": "stm32_gpdma:LinkedDma",
    "stm32-gpio": "stm32_gpio:Port",
    "stm32-exti": "stm32_exti:ExternalInterrupts",
    "stm32-rng": "stm32_rng:RandomNumbers",
    "stm32-crc": "stm32_crc:CrcUnit",
    "stm32-iwdg": "stm32_iwdg:IndependentWatchdog",
    "stm32-wwdg": "stm32_wwdg:WindowWatchdog",
    "stm32-hsem": "stm32_hsem:HardwareSemaphores",
    "nordic-clock": "nordic_clock:ClockPower",
    "nordic-ppi": "nordic:Ppi",
    "nordic-dppi": "nordic:Dppi",
    "nordic-egu": "nordic:EventUnit",
    "nordic-gpio": "nordic:Port",
    "nordic-gpiote": "nordic:PinTasks",
    "nordic-rng": "nordic:RandomNumbers",
    "nordic-temp": "nordic:Thermometer",
    "nordic-wdt": "nordic:Watchdog",
    "nordic-timer": "nordic_timer:Timer",
    "nordic-rtc": "nordic_timer:Rtc",
    "nordic-uart": "nordic_uart:Uart",
    "nordic-nvmc": "nordic_flash:FlashControl",
    "nordic-uicr": "nordic_flash:UserWords",
    "nordic-cache": "nordic_flash:Cache",
    "imxrt-analog": "imxrt_clocks:Analog",
    "imxrt-ccm": "imxrt_clocks:ClockControl",
    "imxrt-gpt": "imxrt_timers:GeneralTimer",
    "imxrt-pit": "imxrt_timers:PeriodicTimer",
    "imxrt-snvs": "imxrt_timers:SecureStorage",
    "imxrt-wdog": "imxrt_timers:Watchdog",
    "imxrt-rtwdog": "imxrt_timers:RefreshWatchdog",
    "imxrt-views": "imxrt:ViewedRegisters",
    "imxrt-gpio": "imxrt:Port",
    "imxrt-iomuxc": "imxrt:PinMultiplexer",
    "imxrt-gpr": "imxrt:GeneralPurpose",
    "imxrt-flexspi": "imxrt:FlexSpi",
    "nxp-lpuart": "imxrt_lpuart:LowPowerUart",
    "mcx-scg": "mcx_clocks:ClockGenerator",
    "mcx-syscon": "mcx_clocks:SystemControl",
    "mcx-fmu": "mcx_clocks:FlashManagement",
    "mcx-ctimer": "mcx_timers:StandardTimer",
    "mcx-mrt": "mcx_timers:MultiRateTimer",
    "mcx-ostimer": "mcx_timers:EventTimer",
    "mcx-utick": "mcx_timers:MicroTick",
    "mcx-wwdt": "mcx_timers:WindowedWatchdog",
    "mcx-gpio": "mcx:Port",
    "mcx-port": "mcx:PinControl",
    "raspberry-registers": "raspberry:PlainRegisters",
    "raspberry-resets": "raspberry:Resets",
    "raspberry-power-on": "raspberry:PowerOn",
    "raspberry-striped-banks": "raspberry:StripedBanks",
    "raspberry-pins": "raspberry:Pins",
    "raspberry-pads": "raspberry:Pads",
    "raspberry-xosc": "raspberry_clocks:CrystalOscillator",
    "raspberry-rosc": "raspberry_clocks:RingOscillator",
    "raspberry-pll": "raspberry_clocks:Pll",
    "raspberry-clocks": "raspberry_clocks:Clocks",
    "raspberry-watchdog": "raspberry_clocks:Watchdog",
    "raspberry-ticks": "raspberry_clocks:Ticks",
    "raspberry-uart": "raspberry_uart:Uart",
    "raspberry-timer": "raspberry_timer:Timer",
    "raspberry-calendar": "raspberry_calendar:Calendar",
    "raspberry-pwm": "raspberry_pwm:Pwm",
    "raspberry-adc": "raspberry_adc:Converter",
    "raspberry-i2c": "raspberry_i2c:TwoWire",
    "raspberry-spi": "raspberry_spi:Spi",
    "raspberry-pio": "raspberry:ProgrammableIo",
    "raspberry-sio": "raspberry_sio:SingleCycleIo",
    "raspberry-ssi": "raspberry_flash:Ssi",
    "raspberry-qmi": "raspberry_flash:Qmi",
    "raspberry-dma": "raspberry_dma:Dma",
    "raspberry-dcp": "raspberry_double:DoubleCoprocessor",
    "raspberry-bootram": "raspberry:BootRam",
    "raspberry-trng": "raspberry:RandomNumbers",
    "raspberry-maintenance": "raspberry_flash:Maintenance",
    "raspberry-xip": "raspberry_flash:XipControl",
}
"""Model name to ``module:class`` in this package; a module is imported when a board first uses it."""


class _Models(Mapping[str, type[Peripheral]]):
    def __getitem__(self, name: str) -> type[Peripheral]:
        module, _, cls = PLACES[name].partition(":")
        return getattr(import_module(f"{__name__}.{module}"), cls)

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)

    def __contains__(self, name: object) -> bool:
        return name in PLACES


MODELS: Mapping[str, type[Peripheral]] = _Models()
"""Every peripheral model by name."""


def create(chip: Chip, spec: PeripheralSpec) -> Peripheral:
    """A new peripheral of the model that ``spec`` names.

    A model lists the parameters that it takes in ``PARAMETERS`` (a set of names besides ``reset``).
    Raises BoardError for an unknown model or parameter.
    """
    if spec.model not in MODELS:
        raise BoardError(f"peripheral '{spec.name}': model '{spec.model}' is unknown; allowed are {', '.join(MODELS)}")
    model = MODELS[spec.model]
    allowed = getattr(model, "PARAMETERS", frozenset()) | {"reset"}
    for key in spec.parameters:
        if key not in allowed:
            text = f"unknown parameter '{key}'; allowed are {', '.join(sorted(allowed))}"
            raise BoardError(f"peripheral '{spec.name}' ({spec.model}): {text}")
    return model(chip, spec)
