"""What the kernels of the notebook tests do before the first cell: let pictures say what they show."""


def _let_pictures_say_what_they_show():
    import importlib.util
    from pathlib import Path

    spec = importlib.util.spec_from_file_location(
        "figures_of_the_notebook_tests", Path(__file__).with_name("figures.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.install()


_let_pictures_say_what_they_show()
del _let_pictures_say_what_they_show
