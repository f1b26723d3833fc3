/// A metric with its samples, independent of the format: it is written as a Prometheus page and as OTLP.
package struct MetricFamily: Sendable {
    /// The samples of a metric.
    package enum Samples: Sendable {
        /// Values that only increase, by their labels.
        case counter([Sample])
        /// Present values, by their labels.
        case gauge([Sample])
        /// A distribution of values.
        case histogram(Histogram)
    }

    /// One value.
    package struct Sample: Sendable {
        /// The labels with their values, in order.
        package let labels: [(String, String)]
        /// The value.
        package let value: Double

        /// Creates a sample.
        package init(_ labels: [(String, String)], _ value: Double) { (self.labels, self.value) = (labels, value) }
    }

    /// A distribution.
    package struct Histogram: Sendable {
        /// The upper bounds of the buckets; one more bucket has no bound.
        package let bounds: [Double]
        /// The number of values in each bucket with a bound.
        package let buckets: [Int]
        /// The sum of all values.
        package let sum: Double
        /// The number of values.
        package let count: Int

        /// Creates a distribution.
        package init(bounds: [Double], buckets: [Int], sum: Double, count: Int) {
            (self.bounds, self.buckets, self.sum, self.count) = (bounds, buckets, sum, count)
        }
    }

    /// The name.
    package let name: String
    /// The help text.
    package let help: String
    /// The samples.
    package let samples: Samples

    /// Creates a family.
    package init(_ name: String, _ help: String, _ samples: Samples) {
        (self.name, self.help, self.samples) = (name, help, samples)
    }
}
