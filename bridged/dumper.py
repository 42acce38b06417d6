"""How YAML is written here, whoever it is for; how text is quoted is each writer's own."""

from typing import Any

import yaml


class Dumper(yaml.SafeDumper):
    """Lists indented as people do it, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always: what is the same twice is written twice."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists too."""
        super().increase_indent(flow, False)
