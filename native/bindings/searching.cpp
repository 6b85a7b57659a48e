#include "../searching.h"

#include "../core/allocator.h"
#include "../core/thread_pool.h"
#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 12;          // elements from which the interpreter is released
constexpr int64_t kGrain = 1 << 14;         // elements for which a second thread pays
constexpr int64_t kGuess = 1024;            // numbers below which counting needs no look at their extent
constexpr int64_t kMostInTables = 1 << 19;  // counters of all threads together
constexpr int64_t kMostBins = 1 << 30;

template <class T>
nb::object search_as(const Array& keys, const Array& values, bool right) {
    const int last = keys.dims() - 1;
    const int64_t n = keys.shape(last), rows = keys.dims() > 1 ? keys.size() / (n ? n : 1) : 1;
    nb::object out = empty_like<int64_t>(values);
    if (values.size() == 0) return out;
    if (n == 0) return not_implemented();
    const int64_t m = values.size() / rows;
    Released released(values.size() >= kLong);
    searching_kernels<T>().search(keys.data<T>(), keys.dims() > 1 ? n : 0, n, values.data<T>(), rows, m, right, data_of<int64_t>(out));
    return out;
}

nb::object search_sorted(nb::handle keys_, nb::handle values_, bool right) {
    const Array keys(keys_, "keys"), values(values_, "values");
    if (keys.dims() == 0 || !keys.contiguous() || !values.contiguous()) return not_implemented();
    if (keys.dims() > 1) {
        if (values.dims() != keys.dims()) throw nb::value_error("values: as many dimensions as those of the keys are needed");
        for (int d = 0; d < keys.dims() - 1; ++d) {
            if (values.shape(d) != keys.shape(d)) throw nb::value_error("values: the rows must be those of the keys");
        }
    }
    if (keys.is<float>() && values.is<float>()) return search_as<float>(keys, values, right);
    if (keys.is<double>() && values.is<double>()) return search_as<double>(keys, values, right);
    if (keys.is<int64_t>() && values.is<int64_t>()) return search_as<int64_t>(keys, values, right);
    return not_implemented();
}

// Adds the tables that follow the first one to it.
void add_up(int64_t* tables, int64_t length, int parts) {
    for (int part = 1; part < parts; ++part) {
        for (int64_t b = 0; b < length; ++b) tables[b] += tables[part * length + b];
    }
}

template <class T>
nb::object histogram_as(const Array& x, int64_t bins, double low, double high) {
    int parts = parts_for(x.size(), kGrain);
    if (parts * bins > kMostInTables) parts = 1;
    const Scratch<int64_t> tables(static_cast<size_t>(parts) * (bins + 1));
    if (!tables.get()) throw std::bad_alloc();
    nb::object out = empty<T>({bins});
    Released released(x.size() >= kLong);
    searching_kernels<T>().histogram(x.data<T>(), x.size(), bins, static_cast<T>(low), static_cast<T>(high), parts, tables.get());
    add_up(tables.get(), bins + 1, parts);
    for (int64_t b = 0; b < bins; ++b) data_of<T>(out)[b] = static_cast<T>(tables.get()[b]);
    return out;
}

nb::object histogram_of(nb::handle x_, int64_t bins, double low, double high) {
    const Array x(x_, "x");
    if (bins < 1) throw nb::value_error("bins must be positive");
    if (!(low < high)) throw nb::value_error("low must be less than high");
    if (bins > kMostBins) return not_implemented();
    if (x.is_dense<float>()) return histogram_as<float>(x, bins, low, high);
    if (x.is_dense<double>()) return histogram_as<double>(x, bins, low, high);
    return not_implemented();
}

nb::object count_numbers(nb::handle x_, int64_t least_length) {
    const Array x(x_, "x");
    if (!x.is_dense<int64_t>() || x.dims() != 1 || x.size() == 0 || least_length < 0) return not_implemented();
    const int64_t* numbers = x.data<int64_t>();
    const int64_t n = x.size();
    int parts = parts_for(n, kGrain);
    int64_t length = kGuess;
    Scratch<int64_t> guess(static_cast<size_t>(parts) * kGuess);
    if (!guess.get()) throw std::bad_alloc();
    bool fits;
    {
        Released released(n >= kLong);
        fits = active_counting().count(numbers, n, kGuess, parts, guess.get());
        if (fits) {
            add_up(guess.get(), kGuess, parts);
            while (length > 0 && guess.get()[length - 1] == 0) --length;
        }
    }
    if (fits) {
        nb::object out = empty<int64_t>({length > least_length ? length : least_length});
        int64_t* counts = data_of<int64_t>(out);
        for (int64_t b = 0; b < length; ++b) counts[b] = guess.get()[b];
        for (int64_t b = length; b < least_length; ++b) counts[b] = 0;
        return out;
    }
    int64_t least, most;
    {
        Released released(n >= kLong);
        active_counting().extent(numbers, n, &least, &most);
    }
    if (least < 0 || most >= (int64_t{1} << 40)) return not_implemented();
    length = most + 1 > least_length ? most + 1 : least_length;
    if (parts * length > kMostInTables) parts = 1;
    nb::object out = empty<int64_t>({length});
    const Scratch<int64_t> tables(parts > 1 ? static_cast<size_t>(parts) * length : 1);
    if (!tables.get()) throw std::bad_alloc();
    Released released(n >= kLong);
    int64_t* counts = parts > 1 ? tables.get() : data_of<int64_t>(out);
    active_counting().count(numbers, n, length, parts, counts);
    if (parts > 1) {
        add_up(counts, length, parts);
        for (int64_t b = 0; b < length; ++b) data_of<int64_t>(out)[b] = counts[b];
    }
    return out;
}

}  // namespace

void bind_searching(nb::module_& m) {
    m.def("search_sorted", search_sorted, nb::arg("keys").none(), nb::arg("values").none(), nb::arg("right"));
    m.def("histogram_of", histogram_of, nb::arg("x").none(), nb::arg("bins"), nb::arg("low"), nb::arg("high"));
    m.def("count_numbers", count_numbers, nb::arg("x").none(), nb::arg("least_length"));
}

}  // namespace rl
