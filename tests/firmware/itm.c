/*
 * ITM stimulus ports (m3, m4, m7, m33), as a debug probe sees them over SWO.
 *
 * Expected on silicon with a probe attached: port 0 carries "hello itm\n" in bytes and then the word 0x0a4d5449
 * ("ITM\n"), port 1 the halfword 0x4f4b ("KO"); exit code 0, "passed". A port that is not enabled carries nothing. DDI
 * 0403 C1.7.
 */
#include "check.h"

static void wait_ready(uint32_t port)
{
    while (!(ITM_STIM(port) & 1)) {
    }
}

int main(void)
{
    DEMCR |= DEMCR_TRCENA;
    ITM_LAR = CORESIGHT_UNLOCK;
    ITM_TCR = 1u | 1u << 16; /* ITMENA, trace bus ID 1 */
    ITM_TER = 3;
    check_equal("ports enabled", ITM_TER & 7, 3);
    for (const char *text = "hello itm\n"; *text; text++) {
        wait_ready(0);
        ITM_STIM_BYTE(0) = (uint8_t)*text;
    }
    wait_ready(0);
    ITM_STIM(0) = 0x0A4D5449u;
    wait_ready(1);
    *(volatile uint16_t *)&ITM_STIM(1) = 0x4F4B;
    ITM_STIM_BYTE(2) = 'x';
    return failures();
}
