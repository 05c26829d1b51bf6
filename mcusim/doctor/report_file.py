"""The program behind a report: a JSON file of ``mcusim run`` names it, its board and its content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcusim.doctor.diagnosis import DoctorError
from mcusim.report import Report, ReportError


@dataclass(frozen=True, slots=True)
class Subject:
    """What to examine: image, board ("" where none is named), and the content hash that it must have ("" for any)."""

    image: str
    board: str = ""
    content_hash: str = ""

    def check(self, found: str) -> None:
        """Refuse another program than the report's."""
        if self.content_hash and found != self.content_hash:
            raise DoctorError(
                f"{self.image}: has changed since the report was written (its hash is {found[:12]}..., the report's "
                f"{self.content_hash[:12]}...); run it again, and give the same --load-address and --vector-table"
            )


def program_of(path: str) -> Subject:
    """The image at ``path``, or the one that the report at ``path`` names (found as it was given, or beside the report)."""
    try:
        with open(path, "rb") as file:
            begin = file.read(1)
            if begin != b"{":
                return Subject(path)
            report = Report.from_json(begin + file.read())
    except FileNotFoundError:
        return Subject(path)
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ReportError as error:
        raise ReportError(f"{path}: {error}") from None
    places = (Path(report.program.path), Path(path).parent / Path(report.program.path).name)
    image = next((place for place in places if place.is_file()), None)
    if image is None:
        raise DoctorError(f"{path}: its program {report.program.path} is not there; allowed: the image itself")
    return Subject(str(image), report.board, report.program.content_hash)
