"""BLAS is held to one thread while anything is inside, and let go after."""

from threading import Event, Thread

from threadpoolctl import threadpool_info

from uflux_stats.refinement.blas import one_blas_thread


def threads_of_blas() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_the_first_to_come_out_does_not_let_go_for_the_others() -> None:
    before = threads_of_blas()
    inside, leave = Event(), Event()

    def stay() -> None:
        with one_blas_thread():
            inside.set()
            leave.wait(10.0)

    with one_blas_thread():
        other = Thread(target=stay)
        other.start()
        assert inside.wait(10.0)
    assert set(threads_of_blas()) == {1}
    leave.set()
    other.join()
    assert threads_of_blas() == before
