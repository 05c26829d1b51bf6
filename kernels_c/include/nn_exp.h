/* exp of float32. */
#ifndef NN_EXP_H
#define NN_EXP_H

/*
 * Rounded from a value within 2^-37 of it, so that one result in twenty thousand is one unit of the last place off, and none
 * is more; in fixed point, which is quick on all cores. Results below the least normal number are gradual, large ones infinite.
 */
float nn_exp(float x);

#endif
