"""The special functions against numbers that mpmath computed at 110 digits, and what belongs to their kernels."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight
from rushlight.kernels.reference import division

EXACT = [
    ("bessel_j0", (-2.5,), -0.048383776468198),
    ("bessel_j1", (-2.5,), -0.49709410246427405),
    ("i0", (-2.5,), 3.289839144050123),
    ("i1", (-2.5,), -2.5167162452886984),
    ("i0e", (-2.5,), 0.27004644161220276),
    ("i1e", (-2.5,), -0.20658464953126657),
    ("spherical_bessel_j0", (-2.5,), 0.2393888576415826),
    ("bessel_j0", (0.7,), 0.8812008886074053),
    ("bessel_j1", (0.7,), 0.32899574154005895),
    ("bessel_y0", (0.7,), -0.19066492933739512),
    ("bessel_y1", (0.7,), -1.1032498719076334),
    ("modified_bessel_k0", (0.7,), 0.6605198599151016),
    ("modified_bessel_k1", (0.7,), 1.050283535312918),
    ("scaled_modified_bessel_k0", (0.7,), 1.3301236562420558),
    ("scaled_modified_bessel_k1", (0.7,), 2.1150113128480523),
    ("i0", (0.7,), 1.1263030183068092),
    ("i1", (0.7,), 0.37187967777700864),
    ("i0e", (0.7,), 0.5593055265070683),
    ("i1e", (0.7,), 0.18466998276274732),
    ("spherical_bessel_j0", (0.7,), 0.9203109817681301),
    ("bessel_j0", (4.9,), -0.2097383275853262),
    ("bessel_j1", (4.9,), -0.31469467101519066),
    ("bessel_y0", (4.9,), -0.2920545942440142),
    ("bessel_y1", (4.9,), 0.18124669204504856),
    ("modified_bessel_k0", (4.9,), 0.004118936235515887),
    ("modified_bessel_k1", (4.9,), 0.0045211691772998365),
    ("scaled_modified_bessel_k0", (4.9,), 0.5531310396037262),
    ("scaled_modified_bessel_k1", (4.9,), 0.6071468127379163),
    ("i0", (4.9,), 24.914779075837764),
    ("i1", (4.9,), 22.199348620092497),
    ("i0e", (4.9,), 0.1855299720819534),
    ("i1e", (4.9,), 0.16530929361992835),
    ("spherical_bessel_j0", (4.9,), -0.20050053318863925),
    ("bessel_j0", (5.1,), -0.14433474706050065),
    ("bessel_j1", (5.1,), -0.3370972020182318),
    ("bessel_y0", (5.1,), -0.3216024491248594),
    ("bessel_y1", (5.1,), 0.11373644197749973),
    ("modified_bessel_k0", (5.1,), 0.0033083102180174657),
    ("modified_bessel_k1", (5.1,), 0.0036191814623178),
    ("scaled_modified_bessel_k0", (5.1,), 0.5426353518989783),
    ("scaled_modified_bessel_k1", (5.1,), 0.5936250463138127),
    ("i0", (5.1,), 29.788855440238837),
    ("i1", (5.1,), 26.68043567947711),
    ("i0e", (5.1,), 0.18161510209591797),
    ("i1e", (5.1,), 0.16266385459531296),
    ("spherical_bessel_j0", (5.1,), -0.18153229065249657),
    ("bessel_j0", (40.0,), 0.00736689058423729),
    ("bessel_j1", (40.0,), 0.126038318037585),
    ("bessel_y0", (40.0,), 0.12593641705826092),
    ("bessel_y1", (40.0,), -0.005793505821549633),
    ("modified_bessel_k0", (40.0,), 8.392861100099567e-19),
    ("modified_bessel_k1", (40.0,), 8.497131954861039e-19),
    ("scaled_modified_bessel_k0", (40.0,), 0.19755558495729816),
    ("scaled_modified_bessel_k1", (40.0,), 0.20000996725443349),
    ("i0", (40.0,), 1.48947747934199e16),
    ("i1", (40.0,), 1.4707396163259352e16),
    ("i0e", (40.0,), 0.06327827987523534),
    ("i1e", (40.0,), 0.062482229074442064),
    ("spherical_bessel_j0", (40.0,), 0.018627829011983718),
    ("airy_ai", (-30.0,), -0.08796818845684216),
    ("airy_ai", (-4.0,), -0.07026553294928951),
    ("airy_ai", (-1.0,), 0.5355608832923521),
    ("airy_ai", (0.5,), 0.23169360648083348),
    ("airy_ai", (2.2,), 0.025610404421773213),
    ("airy_ai", (9.0,), 2.47116843087249e-09),
    ("gammaln", (-3.7,), -1.3797399049658245),
    ("digamma", (-3.7,), -0.8450768588704194),
    ("polygamma", (3, -3.7), 768.994649440866),
    ("gammaln", (0.2,), 1.5240638224307845),
    ("digamma", (0.2,), -5.289039896592188),
    ("polygamma", (3, 0.2), 3753.244994864725),
    ("gammaln", (1.0001,), -5.771334222047127e-05),
    ("digamma", (1.0001,), -0.5770511835143348),
    ("polygamma", (3, 1.0001), 6.4914513859393415),
    ("gammaln", (2.7,), 0.4348205536551047),
    ("digamma", (2.7,), 0.7967831689911411),
    ("polygamma", (3, 2.7), 0.17117980334609884),
    ("gammaln", (9.5,), 11.689333420797269),
    ("digamma", (9.5,), 2.1977378764029494),
    ("polygamma", (3, 9.5), 0.0027267288350372493),
    ("gammaln", (300.0,), 1409.2020674704117),
    ("digamma", (300.0,), 5.702114882064637),
    ("polygamma", (3, 300.0), 7.444526748513953e-08),
    ("erf", (-5.0,), -0.9999999999984626),
    ("erfc", (-5.0,), 1.9999999999984626),
    ("erfcx", (-5.0,), 144009798674.66104),
    ("log_ndtr", (-5.0,), -15.064998393988725),
    ("erf", (-0.3,), -0.3286267594591274),
    ("erfc", (-0.3,), 1.3286267594591274),
    ("erfcx", (-0.3,), 1.4537492328427655),
    ("log_ndtr", (-0.3,), -0.9621028181688507),
    ("erf", (0.4,), 0.42839235504666845),
    ("erfc", (0.4,), 0.5716076449533315),
    ("erfcx", (0.4,), 0.6707877852947615),
    ("log_ndtr", (0.4,), -0.42247637022777607),
    ("erf", (3.0,), 0.9999779095030014),
    ("erfc", (3.0,), 2.209049699858544e-05),
    ("erfcx", (3.0,), 0.17900115118138996),
    ("log_ndtr", (3.0,), -0.0013508099647481938),
    ("erf", (12.0,), 1.0),
    ("erfc", (12.0,), 1.3562611692059042e-64),
    ("erfcx", (12.0,), 0.04685422101489376),
    ("log_ndtr", (12.0,), -1.776482112077679e-33),
    ("ndtri", (1e-200,), -30.20559417957964),
    ("ndtri", (1e-05,), -4.264890793922825),
    ("ndtri", (0.2,), -0.8416212335729142),
    ("ndtri", (0.49,), -0.025068908258711057),
    ("erfinv", (1e-20,), 8.86226925452758e-21),
    ("erfinv", (0.3,), 0.2724627147267543),
    ("erfinv", (-0.999999,), -3.458910737275499),
    ("gammainc", (0.01, 0.2), 0.9877844094567542),
    ("gammaincc", (0.01, 0.2), 0.01221559054324581),
    ("gammainc", (0.3, 1.05), 0.9215703360548394),
    ("gammaincc", (0.3, 1.05), 0.07842966394516059),
    ("gammainc", (2.0, 9.0), 0.9987659019591332),
    ("gammaincc", (2.0, 9.0), 0.0012340980408667955),
    ("gammainc", (9.0, 2.0), 0.00023744732826116177),
    ("gammaincc", (9.0, 2.0), 0.9997625526717389),
    ("gammainc", (25.0, 28.0), 0.740095812922737),
    ("gammaincc", (25.0, 28.0), 0.25990418707726304),
    ("gammainc", (150.0, 140.0), 0.20954362391860706),
    ("gammaincc", (150.0, 140.0), 0.790456376081393),
    ("gammainc", (10000.0, 10100.0), 0.8413487504471796),
    ("gammaincc", (10000.0, 10100.0), 0.15865124955282037),
    ("zeta", (1.1, 0.3), 13.925622630916047),
    ("zeta", (2.0, 40.0), 0.02531510384129103),
    ("zeta", (12.5, 11.0), 1.4879311624684976e-13),
    ("zeta", (60.0, 3.0), 2.3589825628243265e-29),
    ("zeta", (3.0, -2.5), 0.0541020258208637),
]


@pytest.mark.parametrize(("name", "arguments", "value"), EXACT)
def test_float64_is_exact_to_thirteen_digits(name: str, arguments: tuple[float, ...], value: float) -> None:
    tensors = [rushlight.tensor(a, dtype=rushlight.float64) if isinstance(a, float) else a for a in arguments]
    assert getattr(rushlight.special, name)(*tensors).item() == pytest.approx(value, rel=2e-13, abs=0)


@pytest.mark.parametrize(("name", "arguments", "value"), EXACT[::3])
def test_large_arrays_give_what_small_ones_give(name: str, arguments: tuple[float, ...], value: float) -> None:
    tensors = [rushlight.full((20_001,), a, dtype=rushlight.float64) if isinstance(a, float) else a for a in arguments]
    out = getattr(rushlight.special, name)(*tensors)
    np.testing.assert_allclose(out.numpy(), np.full(20_001, value), rtol=2e-13)


@pytest.mark.parametrize("name", ["erf", "erfc", "erfinv", "gammaln", "i0", "bessel_j1"])
def test_float32_is_exact_to_a_few_steps(name: str) -> None:
    x = np.linspace(-0.999, 0.999, 5001).astype(np.float32)
    narrow = getattr(rushlight.special, name)(rushlight.tensor(x)).numpy()
    wide = getattr(rushlight.special, name)(rushlight.tensor(x.astype(np.float64))).numpy()
    np.testing.assert_allclose(narrow, wide, rtol=5e-7, atol=1e-38)


def test_polynomials_of_a_degree_for_each_element() -> None:
    x = np.array([[-1.0], [-0.3], [0.6], [1.0], [1.5]])
    degrees = np.arange(12)
    expected = np.polynomial.legendre.legvander(x[:, 0], 11)
    found = rushlight.special.legendre_polynomial_p(rushlight.tensor(x), rushlight.tensor(degrees))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    expected = np.polynomial.chebyshev.chebvander(x[:, 0], 11)
    found = rushlight.special.chebyshev_polynomial_t(rushlight.tensor(x), rushlight.tensor(degrees))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-14)


def test_results_without_a_gradient() -> None:
    x = rushlight.ones(3, requires_grad=True)
    assert not rushlight.special.bessel_j0(x).requires_grad
    assert not rushlight.special.hermite_polynomial_h(x, 2).requires_grad
    assert rushlight.special.i1e(x).requires_grad


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e4, 1e12])
def test_remainders_of_float32_are_numpys(scale: float) -> None:
    rng = np.random.default_rng(3)
    a = (rng.standard_normal(4000) * scale).astype(np.float32)
    b = rng.standard_normal(4000).astype(np.float32)
    a[:200], b[:200] = np.round(a[:200]), np.where(np.round(b[:200]) == 0, 1, np.round(b[:200]))
    for name in ("fmod", "remainder", "floor_divide"):
        for divisor in (b, 0.37):
            found = getattr(division, name)(a, divisor)
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, getattr(np, name)(a, divisor), err_msg=name)


def test_remainders_by_zero_and_infinities() -> None:
    a = np.tile(np.array([1.0, -1.0, np.inf, np.nan, 0.0], np.float32), 500)
    b = np.repeat(np.array([0.0, np.inf, -np.inf, np.nan, 2.0], np.float32), 500)
    with np.errstate(all="ignore"):
        for name in ("fmod", "remainder", "floor_divide"):
            np.testing.assert_array_equal(getattr(division, name)(a, b), getattr(np, name)(a, b))
