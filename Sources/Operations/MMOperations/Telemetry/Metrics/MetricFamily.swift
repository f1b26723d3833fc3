/// One metric with its samples, from which every form is written: Prometheus's page and OTLP.
package struct MetricFamily: Sendable {
    /// What a family holds.
    package enum Samples: Sendable {
        /// Values that only grow, by their labels.
        case counter([Sample])
        /// Values as they are now, by their labels.
        case gauge([Sample])
        /// How values are distributed.
        case histogram(Histogram)
    }

    /// One value.
    package struct Sample: Sendable {
        /// Names and values, in order.
        package let labels: [(String, String)]
        /// The value.
        package let value: Double

        /// Creates a sample.
        package init(_ labels: [(String, String)], _ value: Double) { (self.labels, self.value) = (labels, value) }
    }

    /// A distribution.
    package struct Histogram: Sendable {
        /// The upper bounds of the buckets; one more is without a bound.
        package let bounds: [Double]
        /// How many values fell into each bucket with a bound.
        package let buckets: [Int]
        /// The sum of all values.
        package let sum: Double
        /// How many values there were.
        package let count: Int

        /// Creates a distribution.
        package init(bounds: [Double], buckets: [Int], sum: Double, count: Int) {
            (self.bounds, self.buckets, self.sum, self.count) = (bounds, buckets, sum, count)
        }
    }

    /// The name.
    package let name: String
    /// What it tells.
    package let help: String
    /// The samples.
    package let samples: Samples

    /// Creates a family.
    package init(_ name: String, _ help: String, _ samples: Samples) {
        (self.name, self.help, self.samples) = (name, help, samples)
    }
}
