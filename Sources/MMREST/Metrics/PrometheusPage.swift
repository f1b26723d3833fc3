/// Writes Prometheus' text format (prometheus.io, “Exposition formats”, text format 0.0.4), from figures of its own and from
/// pages of others.
package struct PrometheusPage {
    /// Names and values, in order.
    package typealias Labels = [(String, String)]

    private struct Family {
        var head: [String] = []
        var samples: [String] = []
    }

    private var names: [String] = []
    private var families: [String: Family] = [:]

    package init() {}

    /// The page. What belongs to one family stands together, as the format demands.
    package var text: String {
        var text = ""
        for name in names {
            guard let family = families[name] else { continue }
            for line in family.head + family.samples { text += line + "\n" }
        }
        return text
    }

    /// Adds a family of single figures.
    /// - Parameters:
    ///   - name: of the family.
    ///   - type: `counter` or `gauge`.
    ///   - help: what it tells.
    ///   - samples: the figures with their labels.
    package mutating func family(_ name: String, _ type: String, _ help: String, _ samples: [(Labels, Double)]) {
        begin(name, type, help)
        for (labels, value) in samples { sample(name, in: name, labels, value) }
    }

    /// Adds a histogram. Each bucket of the format counts what is not above its bound, so they grow.
    mutating func histogram(
        _ name: String, _ help: String, bounds: [Double], buckets: [Int], sum: Double, count: Int
    ) {
        begin(name, "histogram", help)
        var below = 0
        for (bound, bucket) in zip(bounds, buckets) {
            below += bucket
            sample(name + "_bucket", in: name, [("le", Self.number(bound))], Double(below))
        }
        sample(name + "_bucket", in: name, [("le", "+Inf")], Double(count))
        sample(name + "_sum", in: name, [], sum)
        sample(name + "_count", in: name, [], Double(count))
    }

    /// Adds another process's page: its families join those of the same name, each figure with one more label.
    /// - Parameters:
    ///   - page: the text.
    ///   - label: tells its figures from those of others.
    package mutating func gather(_ page: String, label: (name: String, value: String)) {
        let mark = "\(label.name)=\"\(Self.escaped(label.value))\""
        var current: String?
        // Help and type are the same on every page; once is enough.
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
