#include "../rows.h"

#include <memory>
#include <optional>
#include <vector>

#include "arrays.h"

namespace rl {
namespace {

constexpr int64_t kLong = 1 << 15;  // elements from which the interpreter is released

// Row numbers in memory of our own, which another thread can't change while the interpreter is released.
class RowNumbers {
public:
    // IndexError for one that is not in [0, count).
    RowNumbers(const Array& index, int64_t count, const char* name)
        : size_(index.size()), copy_(std::make_unique_for_overwrite<int64_t[]>(static_cast<size_t>(size_))) {
        const int64_t* from = index.data<int64_t>();
        // The sign of either term says that a number is outside.
        uint64_t outside = 0;
        for (int64_t i = 0; i < size_; ++i) {
            const uint64_t row = static_cast<uint64_t>(from[i]);
            copy_[static_cast<size_t>(i)] = from[i];
            outside |= row | (static_cast<uint64_t>(count) - 1 - row);
        }
        if (static_cast<int64_t>(outside) >= 0) return;
        PyErr_Format(PyExc_IndexError, "%s: a row number is out of range", name);
        nb::raise_python_error();
    }
    int64_t size() const { return size_; }
    const int64_t* data() const { return copy_.get(); }

private:
    int64_t size_;
    std::unique_ptr<int64_t[]> copy_;
};

// Where runs begin and end; ValueError unless they follow one another within `entries`.
std::vector<int64_t> checked_bounds(const Array& bounds, int64_t entries) {
    const int64_t* from = bounds.data<int64_t>();
    std::vector<int64_t> copy(from, from + bounds.size());
    int64_t before = 0;
    for (const int64_t bound : copy) {
        if (bound < before || bound > entries) throw nb::value_error("bounds must not decrease, nor exceed the index");
        before = bound;
    }
    return copy;
}

bool is_vector(const Array& x) { return x.dims() == 1 && x.is_dense<int64_t>(); }

// The arguments that gather_sum and gather_max share.
struct Runs {
    RowNumbers index;
    std::vector<int64_t> bounds;
    RowRuns runs{};

    Runs(const Array& table, const Array& index_, const std::optional<Array>& bounds_) : index(index_, table.shape(0), "index") {
        runs.entries = index.size();
        runs.runs = runs.entries;
        if (bounds_) {
            if (bounds_->size() == 0) throw nb::value_error("bounds: expected one more than there are runs, but got none");
            bounds = checked_bounds(*bounds_, runs.entries);
            runs.bounds = bounds.data();
            runs.runs = static_cast<int64_t>(bounds.size()) - 1;
        }
        runs.index = index.data();
    }
};

std::optional<Array> optional(nb::handle object, const char* name) {
    if (object.is_none()) return std::nullopt;
    return Array(object, name);
}

void expect_weights(const std::optional<Array>& weights, int64_t entries) {
    if (weights && (weights->dims() != 1 || weights->shape(0) != entries)) {
        throw nb::value_error("weights: expected one for each entry of the index");
    }
}

template <class T>
nb::object sum_as(const Array& table, const Runs& runs, const std::optional<Array>& weights, bool mean) {
    const int64_t width = table.shape(1);
    nb::object out = empty<T>({runs.runs.runs, width});
    Released released((runs.runs.entries + runs.runs.runs) * width >= kLong);
    rows_kernels<T>().gather_sum(table.data<T>(), width, runs.runs, weights ? weights->data<T>() : nullptr, mean, data_of<T>(out));
    return out;
}

nb::object gather_sum(nb::handle table_, nb::handle index_, nb::handle bounds_, nb::handle weights_, bool mean) {
    const Array table(table_, "table"), index(index_, "index");
    const std::optional<Array> bounds = optional(bounds_, "bounds"), weights = optional(weights_, "weights");
    if (table.dims() != 2) throw nb::value_error("table: expected a matrix");
    if (!is_vector(index) || (bounds && !is_vector(*bounds))) return not_implemented();
    const bool single = table.is_dense<float>();
    if (!single && !table.is_dense<double>()) return not_implemented();
    expect_weights(weights, index.shape(0));
    if (weights && !(single ? weights->is_dense<float>() : weights->is_dense<double>())) return not_implemented();
    const Runs runs(table, index, bounds);
    return single ? sum_as<float>(table, runs, weights, mean) : sum_as<double>(table, runs, weights, mean);
}

template <class T>
nb::object max_as(const Array& table, const Runs& runs) {
    const int64_t width = table.shape(1);
    nb::object out = empty<T>({runs.runs.runs, width}), places = empty<int64_t>({runs.runs.runs, width});
    {
        Released released((runs.runs.entries + runs.runs.runs) * width >= kLong);
        rows_kernels<T>().gather_max(table.data<T>(), width, runs.runs, data_of<T>(out), data_of<int64_t>(places));
    }
    return nb::make_tuple(out, places);
}

nb::object gather_max(nb::handle table_, nb::handle index_, nb::handle bounds_) {
    const Array table(table_, "table"), index(index_, "index"), bounds(bounds_, "bounds");
    if (table.dims() != 2) throw nb::value_error("table: expected a matrix");
    // Places within a run are counted in the lanes of a vector of floats.
    if (!is_vector(index) || !is_vector(bounds) || index.size() > INT32_MAX) return not_implemented();
    const bool single = table.is_dense<float>();
    if (!single && !table.is_dense<double>()) return not_implemented();
    const Runs runs(table, index, bounds);
    return single ? max_as<float>(table, runs) : max_as<double>(table, runs);
}

template <class T>
nb::object scatter_as(const Array& table, const RowNumbers* source, const RowNumbers& target, int64_t count,
                      const std::optional<Array>& weights) {
    const int64_t width = table.shape(1);
    nb::object out = empty<T>({count, width});
    Released released(count * width >= kLong);
    rows_kernels<T>().scatter_sum(table.data<T>(), width, source ? source->data() : nullptr, target.data(),
                                  target.size(), weights ? weights->data<T>() : nullptr, count, data_of<T>(out));
    return out;
}

nb::object scatter_sum(nb::handle table_, nb::handle source_, nb::handle target_, int64_t count, nb::handle weights_) {
    const Array table(table_, "table"), target(target_, "target");
    const std::optional<Array> source = optional(source_, "source"), weights = optional(weights_, "weights");
    if (table.dims() != 2) throw nb::value_error("table: expected a matrix");
    if (count < 0) throw nb::value_error("count must not be negative");
    if (!is_vector(target) || (source && !is_vector(*source))) return not_implemented();
    const bool single = table.is_dense<float>();
    if (!single && !table.is_dense<double>()) return not_implemented();
    const int64_t entries = target.shape(0);
    if ((source ? source->shape(0) : table.shape(0)) != entries) throw nb::value_error("target: expected one for each source");
    expect_weights(weights, entries);
    if (weights && !(single ? weights->is_dense<float>() : weights->is_dense<double>())) return not_implemented();
    const RowNumbers to(target, count, "target");
    std::optional<RowNumbers> from;
    if (source) from.emplace(*source, table.shape(0), "source");
    const RowNumbers* named = from ? &*from : nullptr;
    return single ? scatter_as<float>(table, named, to, count, weights) : scatter_as<double>(table, named, to, count, weights);
}

}  // namespace

void bind_rows(nb::module_& m) {
    m.def("gather_sum", gather_sum, nb::arg("table").none(), nb::arg("index").none(), nb::arg("bounds").none() = nb::none(),
          nb::arg("weights").none() = nb::none(), nb::arg("mean") = false);
    m.def("gather_max", gather_max, nb::arg("table").none(), nb::arg("index").none(), nb::arg("bounds").none());
    m.def("scatter_sum", scatter_sum, nb::arg("table").none(), nb::arg("source").none(), nb::arg("target").none(), nb::arg("count"),
          nb::arg("weights").none() = nb::none());
}

}  // namespace rl
