"""What makes a firmware slow on its board, and what each change would save: found by pricing the change."""

from mcusim.doctor.diagnosis import SCHEMA, Diagnosis, DoctorError, Finding
from mcusim.doctor.examine import diagnose
from mcusim.doctor.report_file import program_of
from mcusim.doctor.text import write_diagnosis

__all__ = ["SCHEMA", "Diagnosis", "DoctorError", "Finding", "diagnose", "program_of", "write_diagnosis"]
