"""On the path of a process, lets num2words never come back from one number, as some versions do from some numbers."""

import time

import num2words

NUMBER = 12_345_678
_num2words = num2words.num2words


def _looping(number: int, *arguments: object, **named: object) -> object:
    while number == NUMBER:
        time.sleep(0.05)
    return _num2words(number, *arguments, **named)


num2words.num2words = _looping
