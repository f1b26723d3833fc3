/// An answer as it is returned: whole, or its beginning with counts and a handle for the rest.
package struct TruncatedOutput: Sendable, Hashable {
    /// The answer or its beginning. A list of rows keeps its JSON shape, with fewer rows.
    package let text: String
    /// Whether the text is the whole answer.
    package let isWhole: Bool
    /// The stored whole, when the text is only its beginning.
    package let stored: StoredOutput?
    /// The unit of `shown` and `total`.
    package let unit: OutputUnit
    /// The number of rows, lines or bytes in the text.
    package let shown: Int
    /// The number of rows, lines or bytes in the whole answer.
    package let total: Int
    /// The length of the whole answer in bytes.
    package let bytes: Int

    /// Returns a sentence about what isn't shown and how to get it; `nil` when everything is shown.
    /// - Parameters:
    ///   - tool: the name of the call that returns more, as the front-end names it.
    ///   - further: additional arguments for that call.
    package func note(tool: String = "mm__output", with further: JSONObject = [:]) -> String? {
        guard !isWhole else { return nil }
        let counts = "Shown: \(shown) of \(total) \(unit.rawValue) (\(bytes) bytes in all)."
        guard let stored else { return "\(counts) The rest could not be stored." }
        let more = further.map { ", \"\($0.key)\": \(JSONWriter.string($0.value))" }.joined()
        return "\(counts) The rest: \(tool) {\"handle\": \"\(stored.handle)\", \"offset\": \(shown)\(more)}, until "
            + "\(stored.expires.iso8601)."
    }

    /// The same facts as JSON members, for structured answers.
    package var json: JSONObject? {
        guard !isWhole else { return nil }
        var object: JSONObject = [
            "shown": .int(Int64(shown)), "total": .int(Int64(total)), "unit": .string(unit.rawValue),
            "bytes": .int(Int64(bytes)),
        ]
        if let stored {
            object["handle"] = .string(stored.handle)
            object["nextOffset"] = .int(Int64(shown))
            object["expires"] = .string(stored.expires.iso8601)
        }
        return object
    }
}

extension TruncatedOutput {
    /// Describes the beginning of an answer that is already stored.
    /// - Parameters:
    ///   - stored: the whole answer.
    ///   - shown: the number of its rows, lines or bytes in `text`.
    ///   - text: the beginning.
    package init(firstOf stored: StoredOutput, shown: Int, text: String) {
        self.init(
            text: text, isWhole: shown >= stored.total, stored: stored, unit: stored.unit, shown: shown,
            total: stored.total, bytes: stored.bytes)
    }
}

/// Fits answers into a budget.
package struct OutputTruncator: Sendable {
    private let store: OutputStore?
    private let budget: OutputBudget
    private let layout: JSONWriter.Layout

    /// Creates a shaper.
    /// - Parameters:
    ///   - store: where long answers are stored whole; without a store the rest is lost.
    ///   - budget: the maximum returned at once.
    ///   - layout: the layout of JSON.
    package init(store: OutputStore?, budget: OutputBudget, layout: JSONWriter.Layout = .indented(2)) {
        self.store = store
        self.budget = budget
        self.layout = layout
    }

    /// Fits a text into the budget.
    /// - Parameters:
    ///   - text: the answer in UTF-8.
    ///   - connection: the connection that it came from.
    ///   - isForeign: whether other people wrote it.
    package func truncate(text: [UInt8], connection: String, isForeign: Bool = false) -> TruncatedOutput {
        if budget.allows(text) { return whole(String(decoding: text, as: UTF8.self), text.count) }
        let stored = storeWhole(text, connection, asText: true, isForeign)
        let head = OutputHead.lines(of: text, budget)
        let byLines = stored?.unit == .lines || stored == nil && head.lines > 0
        return TruncatedOutput(
            text: String(decoding: head.text, as: UTF8.self), isWhole: false, stored: stored,
            unit: byLines ? .lines : .bytes, shown: byLines ? head.lines : head.bytes,
            total: byLines ? stored?.total ?? text.count(where: { $0 == 0x0A }) : text.count, bytes: text.count)
    }

    /// Fits a JSON answer into the budget.
    /// - Parameters:
    ///   - json: the answer as received; anything but valid JSON is treated as text.
    ///   - connection: the connection that it came from.
    ///   - isForeign: whether other people wrote it, where its members don't show that.
    package func truncate(json bytes: [UInt8], connection: String, isForeign: Bool = false) -> TruncatedOutput {
        let value = try? JSONParser.parse(bytes)
        guard let value, let rows = JSONRows.find(in: bytes) else {
            let text = value.map { JSONWriter.bytes($0, layout: layout) } ?? bytes
            return truncate(text: text, connection: connection, isForeign: isForeign)
        }
        return truncate(value, rows: rows, bytes: bytes, connection: connection, isForeign)
    }

    private func truncate(
        _ value: JSONValue, rows: JSONRows, bytes: [UInt8], connection: String, _ isForeign: Bool
    ) -> TruncatedOutput {
        let total = rows.items.count
        let items = (rows.place == .root ? value : value["value"] ?? .null).array ?? []
        var cost = OutputCost(of: JSONWriter.bytes(Self.cut(value, rows.place, to: []), layout: layout))
        if !budget.allows(cost) {
            // What surrounds the rows exceeds the budget by itself, so treat the answer as text.
            return truncate(
                text: JSONWriter.bytes(value, layout: layout), connection: connection, isForeign: isForeign)
        }
        var shown = 0
        let depth = rows.place == .root ? 1 : 2
        for item in items {
            let next = cost + OutputHead.cost(ofRow: item, layout, depth: depth)
            if !budget.allows(next) { break }
            (cost, shown) = (next, shown + 1)
        }
        if shown == total {
            return whole(JSONWriter.string(value, layout: layout), bytes.count, .rows, total)
        }
        let stored = storeWhole(bytes, connection, isForeign)
        if shown == 0 {
            // Not even one row fits; the beginning of its text says more than an empty list.
            let text = JSONWriter.bytes(Self.cut(value, rows.place, to: Array(items.prefix(1))), layout: layout)
            let head = OutputHead.lines(of: text, budget)
            return TruncatedOutput(
                text: String(decoding: head.text, as: UTF8.self), isWhole: false, stored: stored, unit: .rows, shown: 0,
                total: total, bytes: bytes.count)
        }
        let head = Self.cut(value, rows.place, to: Array(items.prefix(shown)))
        return TruncatedOutput(
            text: JSONWriter.string(head, layout: layout), isWhole: false, stored: stored, unit: .rows, shown: shown,
            total: total, bytes: bytes.count)
    }

    private static func cut(_ value: JSONValue, _ place: JSONRows.Place, to items: [JSONValue]) -> JSONValue {
        guard place == .value, var object = value.object else { return .array(items) }
        object["value"] = .array(items)
        return .object(object)
    }

    private func whole(_ text: String, _ bytes: Int, _ unit: OutputUnit = .bytes, _ count: Int? = nil)
        -> TruncatedOutput
    {
        TruncatedOutput(
            text: text, isWhole: true, stored: nil, unit: unit, shown: count ?? bytes, total: count ?? bytes,
            bytes: bytes)
    }

    /// Stores the whole answer. A failure is ignored, because the beginning is worth returning even without the rest.
    private func storeWhole(
        _ bytes: [UInt8], _ connection: String, asText: Bool = false, _ isForeign: Bool
    ) -> StoredOutput? {
        try? store?.put(bytes, connection: connection, asText: asText, isForeign: isForeign)
    }
}

/// Computes the beginning of an answer that is too long.
enum OutputHead {
    /// Returns the cost of a row in a list, including its indentation, comma and newline.
    static func cost(ofRow row: JSONValue, _ layout: JSONWriter.Layout, depth: Int = 1) -> OutputCost {
        var cost = OutputCost(of: ",\n".utf8)
        let text = JSONWriter.bytes(row, layout: layout)
        for byte in text { cost.add(byte) }
        if case .indented(let width) = layout {
            let lines = 1 + text.count(where: { $0 == 0x0A })
            for _ in 0..<lines * width * depth { cost.add(0x20) }
        }
        return cost
    }

    /// Returns the leading whole lines that fit the budget, or the beginning of the first line if that alone exceeds
    /// it.
    /// - Returns: the text, and the numbers of lines and bytes in it.
    static func lines(of text: [UInt8], _ budget: OutputBudget) -> (text: ArraySlice<UInt8>, lines: Int, bytes: Int) {
        var cost = OutputCost()
        var end = 0
        var lines = 0
        for (position, byte) in text.enumerated() {
            cost.add(byte)
            if !budget.allows(cost) {
                if end == 0 {
                    // Don't cut a character in two.
                    end = position
                    while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
                }
                return (text[..<end], lines, end)
            }
            if byte == 0x0A {
                lines += 1
                end = position + 1
            }
        }
        return (text[...], lines + (text.last == 0x0A || text.isEmpty ? 0 : 1), text.count)
    }
}
