"""Bessel functions and Airy's function on arrays, in float64 arithmetic.

Each is split as in S. L. Moshier, "Methods and Programs for Mathematical Functions" (1989): near 0 a polynomial in x
or x², beyond it the leading term of the asymptotic formula times a polynomial in 1/x or 1/x² (Abramowitz and Stegun,
9.2, 9.7, 10.4). The polynomials are truncated Chebyshev series, computed with mpmath at 50 digits and written in powers
of a variable of [-1, 1]; their relative error is below 1e-16.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .series import by_blocks, choose, polynomial

__all__ = [
    "airy_ai", "i0", "i0e", "i1", "i1e", "j0", "j1", "k0", "k0e", "k1", "k1e", "spherical_j0", "y0", "y1",
]  # fmt: skip

Array = npt.NDArray[Any]

# exp(-x) I₀(x) on [0, 8]; times √x, in 1/x, beyond. The same of I₁(x), near 0 over x.
_I0_SMALL = np.array((
    0.2070019212239867, -0.11300432688620549, 0.09451562853995103, -0.08904344136075962, 0.08734341617552313,
    -0.08496338091616305, 0.07927522590716347, -0.06954119561719381, 0.05677703201991695, -0.04298594945479612,
    0.030177912022978357, -0.01968265469059234, 0.011960077907026221, -0.0067923998730731695, 0.003617126448897043,
    -0.001811886793937724, 0.0008563152748272306, -0.00038290209550065975, 0.00016240542162878106,
    -6.550861389620851e-05, 2.520232727107692e-05, -9.251680584432654e-06, 3.2293390826404927e-06,
    -1.0883393970072518e-06, 3.675842926555429e-07, -1.1384114641747256e-07, 2.6265363151970112e-08,
    -7.723094556846333e-09, 4.470516727511741e-09, -1.1852342482684723e-09,
))  # fmt: skip
_I0_LARGE = np.array((
    0.4021765094450081, 0.0033605519836678614, 0.0001362160743919305, 1.1143033790932038e-05,
    1.4838475658279249e-06, 2.9735985885673923e-07, 8.872219737904054e-08, 3.932584334552952e-08,
    2.1548377974791598e-08, 7.554691881248808e-09, -6.747657956107524e-09, -1.340891754008974e-08,
    -5.404771567579958e-09, 7.552583062123384e-09, 7.430464650325426e-09, -3.505966530879332e-09,
    -5.95356943826489e-09, 1.5200816953924232e-09, 3.6379546359011143e-09, -5.715843864202709e-10,
    -1.618980683624682e-09, 1.5279202694981569e-10, 4.577087631643623e-10, -2.0260604287413626e-11,
    -6.067631570603006e-11,
))  # fmt: skip
_I1_SMALL = np.array((
    0.044687709875608835, -0.061124338029666284, 0.0680575999095116, -0.06848260620582691, 0.06376740371340721,
    -0.055280039226991644, 0.04467457262125467, -0.03367135552108536, 0.023686016957729535, -0.015571309243980052,
    0.009583962150731578, -0.005534567847563678, 0.0030057624197775295, -0.00153887456203039, 0.0007445123445061157,
    -0.0003411760289073331, 0.0001484212433475852, -6.142360299099794e-05, 2.4233753149624307e-05,
    -9.136543922789093e-06, 3.293899139003749e-06, -1.1327072698408053e-06, 3.759367306404118e-07,
    -1.2424759932738304e-07, 3.802984785138283e-08, -8.984420960424589e-09, 2.603206542331157e-09,
    -1.41695079121077e-09, 3.7284532079392345e-10,
))  # fmt: skip
_I1_LARGE = np.array((
    0.38939845902587233, -0.00974957719323576, -0.00021923576383430914, -1.503854719814553e-05,
    -1.8349101091858603e-06, -3.4838565069237384e-07, -1.0001340021780371e-07, -4.312811174972107e-08,
    -2.3368016560658254e-08, -8.436290430234562e-09, 6.694265612407784e-09, 1.4076395500755014e-08,
    6.14985231157688e-09, -7.778592763970399e-09, -8.401102179738338e-09, 3.7219797447255018e-09,
    7.268242563538968e-09, -1.8736450470066097e-09, -5.2022217601823894e-09, 9.568523624905203e-10,
    2.9887350377570034e-09, -4.086984233473255e-10, -1.2547972491973786e-09, 1.161813630287145e-10,
    3.339867355634982e-10, -1.5626599071977848e-11, -4.1681089783384256e-11,
))  # fmt: skip
# K₀(x) + log(x/2) I₀(x) and x (K₁(x) - log(x/2) I₁(x)), in x² on [0, 4]; exp(x) √x K(x) in 1/x beyond.
_K0_SMALL = np.array((
    -0.30362077291575545, 0.3404973210133806, 0.07177701034240509, 0.005053392643196092, 0.0001828055582791554,
    4.054506619949891e-06, 6.093361894172114e-08, 6.623013272794453e-10, 5.452564662772586e-12,
    3.518631515854722e-14,
))  # fmt: skip
_K0_LARGE = np.array((
    1.2185953385133905, -0.03107146182488952, 0.003032891810273794, -0.0004797690567662314, 9.956054749305854e-05,
    -2.4735204561466906e-05, 7.002244287487694e-06, -2.191177788015528e-06, 7.427932208028755e-07,
    -2.6890662472901614e-07, 1.0287980689458582e-07, -4.133923052104385e-08, 1.731622598181986e-08,
    -7.286380907337665e-09, 3.170629957994259e-09, -1.9309444875845705e-09, 1.0573777917720047e-09,
    1.7887095838476482e-10, -2.426111314423373e-10, -5.541051446065683e-10, 3.883027499295913e-10,
    2.213758097591008e-10, -1.5750973144552285e-10, -6.910453875670571e-11, 4.4463261136368365e-11,
))  # fmt: skip
_K1_SMALL = np.array((
    0.8850882877295894, -0.3322409552403131, -0.24383852886774365, -0.02785423521977184, -0.0013831688466153064,
    -3.891869064371633e-05, -7.081133770184678e-07, -9.032127501740678e-09, -8.53273511404978e-11,
    -6.214271617329577e-13, -3.5962181014457795e-15,
))  # fmt: skip
_K1_LARGE = np.array((
    1.363151890371342, 0.10334973775386523, -0.005566729880072931, 0.0007357241549081501, -0.00013959021964175084,
    3.284386555825453e-05, -8.961205912549711e-06, 2.730041433569803e-06, -9.067229884830243e-07,
    3.2298119177151824e-07, -1.2195093824501613e-07, 4.8461952200091865e-08, -2.0109398585523846e-08,
    8.40938756536177e-09, -3.639264909950171e-09, 2.1757782025837176e-09, -1.180097808498307e-09,
    -1.7982138496175016e-10, 2.560533082941635e-10, 6.042482293782838e-10, -4.2190635517826636e-10,
    -2.399376595899464e-10, 1.704297529665342e-10, 7.52479548635394e-11, -4.829107281627596e-11,
))  # fmt: skip
# J₀(x) and J₁(x) / x over the factors of their first two zeros, in x² on [0, 25].
_J0_SMALL = np.array((
    0.0031873556303932387, -0.0019210870437164043, 0.00048768271776558413, -7.121705240575853e-05,
    6.854954847199373e-06, -4.70629166457061e-07, 2.428622038025423e-08, -9.781438946726354e-10,
    3.163723989196272e-11, -8.404184719394778e-13, 1.8688672744978886e-14, -3.52449113008727e-16,
))  # fmt: skip
_J1_SMALL = np.array((
    0.0004323698734106474, -0.00020932672214860176, 4.42186880710148e-05, -5.515494459601969e-06,
    4.625979215164964e-07, -2.8111472529722005e-08, 1.3002918729585578e-09, -4.742877795752643e-11,
    1.4012939606655873e-12, -3.425082917113122e-14, 7.050885612374614e-16, -1.2377862900889621e-17,
))  # fmt: skip
# The squares of the zeros.
_J0_ZEROS = (5.783185962946784, 30.471262343662087)
_J1_ZEROS = (14.681970642123893, 49.2184563216946)
# Y₀(x) - 2/π log(x) J₀(x) and (Y₁(x) - 2/π (log(x) J₁(x) - 1/x)) / x, in x² on [0, 25].
_Y0_SMALL = np.array((
    0.4837248578102995, -0.4326558222855125, -0.47057636552972876, 0.38851639956570944, -0.11151682184328655,
    0.01763534538933876, -0.0018028096665503853, 0.0001299462909208217, -6.985504374077061e-06,
    2.9142206889637085e-07, -9.7209552080454e-09, 2.6539975248625817e-10, -6.04993694723965e-12,
    1.166603953074689e-13,
))  # fmt: skip
_Y1_SMALL = np.array((
    0.13974939033568806, 0.09108650838448444, -0.16312020358118715, 0.06634695354779108, -0.013433433740818165,
    0.0016688031328635942, -0.00014141835794484212, 8.733098304848775e-06, -4.1137780795312436e-07,
    1.528890182573714e-08, -4.6013010745475043e-10, 1.1448943838049981e-11, -2.397782341669183e-13,
    4.277907601247645e-15,
))  # fmt: skip
# √(πx/2) J(x) = P cos θ - Q sin θ and √(πx/2) Y(x) = P sin θ + Q cos θ, θ = x - π/4 - nπ/2: P and xQ/5 in 25/x².
_P0 = np.array((
    0.9986347659091991, -0.0013274931272003313, 3.4917305812543486e-05, -2.4599633256229834e-06,
    2.9759005474711905e-07, -5.086425025341196e-08, 1.1058787126508455e-08, -2.8711262583427698e-09,
    8.537333898998171e-10, -2.8265466982174973e-10, 1.0446084050144923e-10, -4.1813362704799626e-11,
    1.2588002430248643e-11, -3.750025643928984e-12, 8.357591428468511e-12, -5.624489390465371e-12,
    -2.8395786688743523e-12, 2.2845093116070795e-12, 1.4342144484717672e-12, -9.515579929513944e-13,
))  # fmt: skip
_Q0 = np.array((
    -0.02472299270522373, 0.00026284279458204686, -1.26774308850932e-05, 1.2478226341684705e-06,
    -1.8819750353617696e-07, 3.774058943142381e-08, -9.279607088079224e-09, 2.6593886717281014e-09,
    -8.587612687726887e-10, 3.05163220836342e-10, -1.178828478162734e-10, 4.881997632138588e-11,
    -1.9369456361367175e-11, 7.793498901447952e-12, -8.066388187909544e-12, 5.802855559366117e-12,
    3.90862642172442e-12, -4.1224311392637705e-12, -4.9308910350753264e-12, 4.198442456194171e-12,
    2.356248773182818e-12, -1.9548816227834043e-12, -6.477553677737881e-13, 4.918206674675006e-13,
))  # fmt: skip
_P1 = np.array((
    1.0022906462560661, 0.0022414632139171184, -4.5782806531265707e-05, 2.9786211095131944e-06,
    -3.4667186514153773e-07, 5.791660152738369e-08, -1.2403215219140042e-08, 3.1855729167256642e-09,
    -9.395751413733448e-10, 3.0910802251980933e-10, -1.1357643207946474e-10, 4.52372729064301e-11,
    -1.3682028558855844e-11, 4.1125471271174e-12, -8.878743173627245e-12, 5.95359653810815e-12,
    2.9881368885935155e-12, -2.4036126609094836e-12, -1.516811852611783e-12, 1.004660039809737e-12,
))  # fmt: skip
_Q1 = np.array((
    0.07460948663481604, -0.00037296992436826256, 1.5796188355964956e-05, -1.4739855895611247e-06,
    2.159770757026685e-07, -4.2533481805670163e-08, 1.0328333529819094e-08, -2.9328458522640808e-09,
    9.404366036524181e-10, -3.328342261309921e-10, 1.2776321445508503e-10, -5.0587582619305346e-11,
    2.0890766456112383e-11, -1.392412219240409e-11, 8.55717855734584e-12, 3.3290192138431053e-12,
    -4.0780269079662465e-12, -6.257405898955259e-12, 5.175421858366359e-12, 3.013495243731456e-12,
    -2.4705785232015915e-12, -9.17795273950537e-13, 6.800830735108198e-13,
))  # fmt: skip
# Ai(x) on [-4.5, -1.5] and [-1.5, 2.25]; exp(ζ) 2√π x^¼ Ai(x) in 1/ζ beyond, ζ = 2/3 |x|^1.5; and the P and ζQ, in
# 1/ζ², of √π |x|^¼ Ai(x) = P cos θ + Q sin θ, θ = ζ - π/4, below.
_AIRY_LEFT = np.array((
    -0.37881429367765806, 0.4718756538248982, 1.278498241162096, -0.7439431507466928, -0.5864402330154266,
    0.4668273915731034, 0.04825544796947317, -0.1221504923700003, 0.022318181656464348, 0.01371358278220938,
    -0.006254507087712361, -0.00015675291018219865, 0.0006704641250246126, -0.0001285312941235889,
    -2.7772928540438838e-05, 1.4906715544699853e-05, -1.026367828863484e-06, -7.145897950992032e-07,
    1.8706665586035107e-07, 4.027183128537652e-09, -9.682438196575558e-09, 1.4059396272669188e-09,
    1.7856293943992487e-10, -7.162941172363878e-11, 3.742052552661738e-12,
))  # fmt: skip
_AIRY_RIGHT = np.array((
    0.2606695731738953, -0.44686537846997854, 0.17182808778552666, 0.18819195279774123, -0.22659288624364324,
    0.06903802386861614, 0.03139307568214532, -0.033396127462845704, 0.008865571172069268, 0.0022626205618136858,
    -0.002316138665036052, 0.0005583908305575976, 8.985782208407845e-05, -9.314971629302712e-05,
    2.0875065091611892e-05, 2.2358066614433584e-06, -2.4437411461586425e-06, 5.167372484875936e-07,
    3.760409428881294e-08, -4.511289200920659e-08, 9.1232846489808e-09, 4.516828218963284e-10,
    -6.356043802141018e-10, 1.1825979453537413e-10, 1.0547088917025018e-11, -6.1329297582872314e-12,
))  # fmt: skip
_AIRY_DECAYING = np.array((
    0.9860839627989356, -0.01264619830284444, 0.0010760376934960518, -0.0001546944990393809, 2.9631384683810415e-05,
    -6.855741243445048e-06, 1.818408344142125e-06, -5.355947086234953e-07, 1.715201993447713e-07,
    -5.8846290936925354e-08, 2.1393396111316665e-08, -8.14575883204746e-09, 3.2365908887060984e-09,
    -1.4059283107336166e-09, 6.238092903288499e-10, -1.6309026748536736e-10, 4.7284432714391896e-11,
    -1.4699408818534396e-10, 9.013019666473923e-11, 4.3750787326717723e-11, -3.0316965279567425e-11,
    -1.9644285554947105e-11, 1.1655202505785861e-11,
))  # fmt: skip
_AIRY_P = np.array((
    0.9995498592095998, -0.0004422828919436778, 7.4608569012585494e-06, -3.606762795410878e-07,
    3.146375193624627e-08, -4.034648666076742e-09, 6.793672112780603e-10, -1.4015582467603668e-10,
    3.377254474694935e-11, -9.216494897134017e-12, 2.9362829839238722e-12, -1.0101001136168711e-12,
    1.9411792666369182e-13, -4.583443055442179e-14, 1.191770632894893e-13, -5.74934383981359e-14,
))  # fmt: skip
_AIRY_Q = np.array((
    0.0689916666247935, -0.0004377436028433088, 1.3947981060986007e-05, -9.600680585573423e-07,
    1.0595835038406194e-07, -1.6127584958458865e-08, 3.099635093832845e-09, -7.111324468183271e-10,
    1.8762847351373207e-10, -5.541685353637184e-11, 1.7572966711406265e-11, -6.007661551150246e-12,
    2.850004641530266e-12, -1.281633218960031e-12, -6.229474072540641e-14, 1.1774300804013285e-13,
    2.6280705712369547e-13, -1.4483957316332088e-13,
))  # fmt: skip

_AIRY_HIGH, _AIRY_LOW = 2.25, -4.5


def _i_scaled(x: Array, small: Array, large: Array, order: int) -> Array:
    """exp(-|x|) I(|x|), not signed."""

    def near(x: Array) -> Array:
        series = polynomial(small, x * 0.25 - 1)
        return series * x if order else series

    def far(x: Array) -> Array:
        return polynomial(large, 16 / x - 1) / np.sqrt(x)

    return choose(x, ~(x > 8), near, far)


def _i(x: Array, small: Array, large: Array, order: int) -> Array:
    size = np.abs(x)
    # In two halves, of which neither overflows before the product does. The infinities give NaN, as in PyTorch.
    half = np.exp(size * 0.5)
    out = half * _i_scaled(size, small, large, order) * half
    return np.copysign(out, x) if order else out


def i0(x: Array) -> Array:
    """The modified Bessel function of the first kind, order 0."""
    return by_blocks(lambda wide: _i(wide, _I0_SMALL, _I0_LARGE, 0), x)


def i1(x: Array) -> Array:
    """The modified Bessel function of the first kind, order 1."""
    return by_blocks(lambda wide: _i(wide, _I1_SMALL, _I1_LARGE, 1), x)


def i0e(x: Array) -> Array:
    """`exp(-|x|) I₀(x)`."""
    return by_blocks(lambda wide: _i_scaled(np.abs(wide), _I0_SMALL, _I0_LARGE, 0), x)


def i1e(x: Array) -> Array:
    """`exp(-|x|) I₁(x)`."""
    return by_blocks(lambda wide: np.copysign(_i_scaled(np.abs(wide), _I1_SMALL, _I1_LARGE, 1), wide), x)


def _k(x: Array, order: int, scaled: bool) -> Array:
    def near(x: Array) -> Array:
        t = x * x * 0.5 - 1
        # Below 2 the series of I serves unscaled.
        growth = np.exp(x)
        if order:
            rest = np.log(x * 0.5) * (polynomial(_I1_SMALL, x * 0.25 - 1) * x * growth)
            out = polynomial(_K1_SMALL, t) / x + rest
        else:
            out = polynomial(_K0_SMALL, t) - np.log(x * 0.5) * (polynomial(_I0_SMALL, x * 0.25 - 1) * growth)
        return out * growth if scaled else out

    def far(x: Array) -> Array:
        series = polynomial(_K1_LARGE if order else _K0_LARGE, 4 / x - 1) / np.sqrt(x)
        return series if scaled else np.exp(-x) * series

    out = choose(x, ~(x > 2), near, far)
    out[x == 0] = np.inf
    out[x < 0] = np.nan
    return out


def k0(x: Array) -> Array:
    """The modified Bessel function of the second kind, order 0; infinite at 0, NaN below."""
    return by_blocks(lambda wide: _k(wide, 0, False), x)


def k1(x: Array) -> Array:
    """The modified Bessel function of the second kind, order 1; infinite at 0, NaN below."""
    return by_blocks(lambda wide: _k(wide, 1, False), x)


def k0e(x: Array) -> Array:
    """`exp(x) K₀(x)`."""
    return by_blocks(lambda wide: _k(wide, 0, True), x)


def k1e(x: Array) -> Array:
    """`exp(x) K₁(x)`."""
    return by_blocks(lambda wide: _k(wide, 1, True), x)


def _j_small(x: Array, order: int) -> Array:
    square = x * x
    first, second = _J1_ZEROS if order else _J0_ZEROS
    series = polynomial(_J1_SMALL if order else _J0_SMALL, square * 0.08 - 1)
    out = series * (square - first) * (square - second)
    return out * x if order else out


def _oscillating(x: Array, order: int, second: bool) -> Array:
    """J or Y of x > 5."""
    t = 50 / (x * x) - 1
    p = polynomial(_P1 if order else _P0, t)
    q = polynomial(_Q1 if order else _Q0, t) * 5 / x
    angle = x - (0.75 * math.pi if order else 0.25 * math.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    wave = p * sin + q * cos if second else p * cos - q * sin
    return wave * math.sqrt(2 / math.pi) / np.sqrt(x)


def _j(x: Array, order: int) -> Array:
    size = np.abs(x)
    out = choose(size, ~(size > 5), lambda s: _j_small(s, order), lambda s: _oscillating(s, order, False))
    return np.where(x < 0, -out, out) if order else out


def _y(x: Array, order: int) -> Array:
    def near(x: Array) -> Array:
        series = polynomial(_Y1_SMALL if order else _Y0_SMALL, x * x * 0.08 - 1)
        if order:
            return series * x + 2 / math.pi * (np.log(x) * _j_small(x, 1) - 1 / x)
        return series + 2 / math.pi * np.log(x) * _j_small(x, 0)

    out = choose(x, ~(x > 5), near, lambda s: _oscillating(s, order, True))
    out[x == 0] = -np.inf
    out[x < 0] = np.nan
    return out


def j0(x: Array) -> Array:
    """The Bessel function of the first kind, order 0."""
    return by_blocks(lambda wide: _j(wide, 0), x)


def j1(x: Array) -> Array:
    """The Bessel function of the first kind, order 1."""
    return by_blocks(lambda wide: _j(wide, 1), x)


def y0(x: Array) -> Array:
    """The Bessel function of the second kind, order 0; -inf at 0, NaN below."""
    return by_blocks(lambda wide: _y(wide, 0), x)


def y1(x: Array) -> Array:
    """The Bessel function of the second kind, order 1; -inf at 0, NaN below."""
    return by_blocks(lambda wide: _y(wide, 1), x)


def _spherical_j0(x: Array) -> Array:
    square = x * x
    # Near 0 the quotient is 0 / 0.
    series = np.ones(x.shape)
    for k in (156, 110, 72, 42, 20, 6):
        series = 1 - square / k * series
    out = np.where(np.abs(x) < 0.5, series, np.sin(x) / x)
    out[np.isinf(x)] = 0
    return out


def spherical_j0(x: Array) -> Array:
    """`sin(x) / x`, 1 at 0."""
    return by_blocks(_spherical_j0, x)


def _airy_middle(x: Array) -> Array:
    return choose(
        x,
        x < -1.5,
        lambda s: polynomial(_AIRY_LEFT, (s + 3) / 1.5),
        lambda s: polynomial(_AIRY_RIGHT, (s - 0.375) / 1.875),
    )


def _airy_outer(x: Array) -> Array:
    return choose(x, x > 0, _airy_decaying, _airy_oscillating)


def _airy_decaying(x: Array) -> Array:
    root = np.sqrt(x)
    zeta = x * root * (2 / 3)
    # ζ is 2.25 at x = 2.25.
    series = polynomial(_AIRY_DECAYING, 4.5 / zeta - 1)
    return np.exp(-zeta) * series / (2 * math.sqrt(math.pi) * np.sqrt(root))


def _airy_oscillating(x: Array) -> Array:
    root = np.sqrt(-x)
    zeta = -x * root * (2 / 3)
    lowest = -_AIRY_LOW * math.sqrt(-_AIRY_LOW) * (2 / 3)
    t = 2 * (lowest / zeta) ** 2 - 1
    angle = zeta - 0.25 * math.pi
    wave = polynomial(_AIRY_P, t) * np.cos(angle) + polynomial(_AIRY_Q, t) / zeta * np.sin(angle)
    return wave / (math.sqrt(math.pi) * np.sqrt(root))


def _airy_ai(x: Array) -> Array:
    out = choose(x, ~((x > _AIRY_HIGH) | (x < _AIRY_LOW)), _airy_middle, _airy_outer)
    # PyTorch ends here, a little before the subnormal numbers do.
    out[x > 103.892] = 0
    out[np.isinf(x)] = np.nan
    return out


def airy_ai(x: Array) -> Array:
    """Airy's function Ai."""
    return by_blocks(_airy_ai, x)
