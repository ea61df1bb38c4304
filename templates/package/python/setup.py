# {{title}}
# pip wheel --no-deps . makes a wheel for this platform; a C++17 compiler and make are all it needs. ARCH=-march=native is faster here.
import os
import pathlib
import subprocess

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = pathlib.Path(__file__).resolve().parent


class Build(build_py):
    def run(self):
        super().run()
        make = ["make", "-s", "-j2", "lib{{namespace}}.so", "ARCH=" + os.environ.get("ARCH", "")]
        if "CXX" in os.environ:
            make.append("CXX=" + os.environ["CXX"])
        subprocess.check_call(make, cwd=HERE / "emulator" / "cpp")
        self.copy_file(str(HERE / "emulator" / "cpp" / "lib{{namespace}}.so"), str(pathlib.Path(self.build_lib) / "{{namespace}}"))


class Binary(Distribution):
    def has_ext_modules(self):
        return True


class Wheel(bdist_wheel):
    # The library knows nothing of Python: one wheel for every version of it.
    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


setup(
    name="{{namespace}}",
    version="{{version}}",
    description="{{title}}",
    packages=["{{namespace}}"],
    install_requires=["numpy"],
    python_requires=">=3.8",
    distclass=Binary,
    cmdclass={"build_py": Build, "bdist_wheel": Wheel},
)
