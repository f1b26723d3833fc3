package import MMOperations

/// Writes Prometheus's text format (prometheus.io, “Exposition formats”, text format 0.0.4), from its own samples and
/// from other processes' pages.
package struct PrometheusPage {
    /// Label names and values, in order.
    package typealias Labels = [(String, String)]

    private struct Family {
        var head: [String] = []
        var samples: [String] = []
    }

    private var names: [String] = []
    private var families: [String: Family] = [:]

    package init() {}

    /// The page. The samples of a family are grouped, as the format requires.
    package var text: String {
        var text = ""
        for name in names {
            guard let family = families[name] else { continue }
            for line in family.head + family.samples { text += line + "\n" }
        }
        return text
    }

    /// Adds a family of simple samples.
    /// - Parameters:
    ///   - name: the family's name.
    ///   - type: `counter` or `gauge`.
    ///   - help: the family's description.
    ///   - samples: the values with their labels.
    package mutating func family(_ name: String, _ type: String, _ help: String, _ samples: [(Labels, Double)]) {
        begin(name, type, help)
        for (labels, value) in samples { sample(name, in: name, labels, value) }
    }

    /// Adds a metric.
    package mutating func add(_ metric: MetricFamily) {
        switch metric.samples {
        case .counter(let samples): family(metric.name, "counter", metric.help, samples.map { ($0.labels, $0.value) })
        case .gauge(let samples): family(metric.name, "gauge", metric.help, samples.map { ($0.labels, $0.value) })
        case .histogram(let all): histogram(metric.name, metric.help, all)
        }
    }

    /// Adds a histogram. In the format the buckets are cumulative: each counts the values up to its bound.
    private mutating func histogram(_ name: String, _ help: String, _ all: MetricFamily.Histogram) {
        begin(name, "histogram", help)
        var below = 0
        for (bound, bucket) in zip(all.bounds, all.buckets) {
            below += bucket
            sample(name + "_bucket", in: name, [("le", Self.number(bound))], Double(below))
        }
        sample(name + "_bucket", in: name, [("le", "+Inf")], Double(all.count))
        sample(name + "_sum", in: name, [], all.sum)
        sample(name + "_count", in: name, [], Double(all.count))
    }

    /// Adds another process's page. Its families are merged with those of the same name, and each sample gets an
    /// additional label.
    /// - Parameters:
    ///   - page: the other page's text.
    ///   - label: the label that distinguishes its samples from those of other pages.
    package mutating func gather(_ page: String, label: (name: String, value: String)) {
        let mark = "\(label.name)=\"\(Self.escaped(label.value))\""
        var current: String?
        // Help and type are the same on every page, so they are included once.
        var isNew = false
        for line in page.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3)
            if words.first == "#" {
                guard words.count > 3 else { continue }
                let name = String(words[2])
                if name != current { isNew = families[name] == nil }
                current = name
                if isNew {
                    if families[name] == nil { names.append(name) }
                    families[name, default: Family()].head.append(String(line))
                }
                continue
            }
            guard let current, let end = line.firstIndex(where: { $0 == "{" || $0 == " " }) else { continue }
            let rest = line[line.index(after: end)...]
            let labels = line[end] == "{" ? "{\(mark),\(rest)" : "{\(mark)} \(rest)"
            families[current]?.samples.append(String(line[..<end]) + labels)
        }
    }

    private mutating func begin(_ name: String, _ type: String, _ help: String) {
        names.append(name)
        families[name] = Family(head: ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"])
    }

    private mutating func sample(_ name: String, in family: String, _ labels: Labels, _ value: Double) {
        let marks = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
        families[family]?.samples.append(name + (marks.isEmpty ? "" : "{\(marks)}") + " " + Self.number(value))
    }

    private static func number(_ value: Double) -> String {
        Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func escaped(_ label: String) -> String {
        var text = ""
        for scalar in label.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
