/// `Sort-Object`.
final class SortStage: Stage {
    private struct Row {
        let item: PSValue
        let keys: [PSValue?]
        let place: Int
    }

    private let evaluator: Evaluator
    private let specification: CommandSpecification
    private let keys: [CalculatedProperty]
    private let isDescending: Bool
    private let isUnique: Bool
    private let isStable: Bool
    private let top: Int?
    private let bottom: Int?
    private let ignoresCase: Bool
    private var items: [PSValue] = []

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        specification = command.specification
        guard command["Culture"] == nil else { throw .handOver("an unusual Sort-Object") }
        isDescending = command.isSet("Descending")
        isUnique = command.isSet("Unique")
        ignoresCase = !command.isSet("CaseSensitive")
        isStable = command.isSet("Stable")
        top = command.count("Top")
        bottom = command.count("Bottom")
        guard top == nil || bottom == nil, top != 0, bottom != 0, !(isStable && (top != nil || bottom != nil)) else {
            throw .handOver("an unusual Sort-Object")
        }
        var keys: [CalculatedProperty] = []
        for written in command.properties {
            let key = try CalculatedProperty(written, of: command.specification, in: evaluator)
            if case .pattern = key.source { throw .handOver("sorting by a pattern") }
            keys.append(key)
        }
        self.keys = keys
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if item.isNull { return }
        items.append(item)
    }

    /// Replaces a size among a service's properties by its number of bytes.
    private static func comparable(_ value: PSValue, of item: PSValue) -> PSValue {
        guard case .object(let object) = item, object.isRow, case .string(let text) = value,
            let bytes = ByteSize.bytes(of: text)
        else {
            return value
        }
        return .long(bytes)
    }

    override func finish() throws(Interrupt) {
        var rows: [Row] = []
        rows.reserveCapacity(items.count)
        for (place, item) in items.enumerated() {
            var values: [PSValue?] = keys.isEmpty ? [item] : []
            for key in keys {
                do throws(Interrupt) {
                    values.append(try key.value(of: item, in: evaluator).map { Self.comparable($0, of: item) })
                } catch {
                    values.append(try withoutKey(error, specification))
                }
            }
            try evaluator.step()
            rows.append(Row(item: item, keys: values, place: place))
        }
        items = []
        let directions = keys.isEmpty ? [isDescending] : keys.map { $0.isDescending ?? isDescending }
        let (ignoresCase, evaluator) = (ignoresCase, evaluator)
        func order(_ left: Row, _ right: Row) throws(Interrupt) -> Int {
            try evaluator.step()
            for (key, isDescending) in directions.enumerated() {
                let order = try KeyOrder.compare(
                    left.keys[key], right.keys[key], ignoringCase: ignoresCase, isDescending: isDescending)
                if order != 0 { return order }
            }
            return 0
        }
        // PowerShell takes `-Top` and `-Bottom` from a heap that keeps the order of arrival among equal objects.
        let keepsArrival = isStable || top != nil || bottom != nil
        var sorted = try IntroSort.sorted(rows) { (left, right) throws(Interrupt) in
            let difference = try order(left, right)
            return difference == 0 && keepsArrival ? left.place - right.place : difference
        }
        if isUnique {
            var kept: [Row] = []
            for row in sorted {
                if let last = kept.last, try order(last, row) == 0 { continue }
                kept.append(row)
            }
            sorted = kept
        }
        if let top { sorted = Array(sorted.prefix(top)) }
        if let bottom { sorted = Array(sorted.suffix(bottom)) }
        for row in sorted { try next(row.item) }
    }
}

/// Exchange's sizes, such as `1.1 GB (1,181,116,006 bytes)`: text here, but in Exchange a type of its own that sorts by
/// bytes (Microsoft.Exchange.Data.ByteQuantifiedSize).
enum ByteSize {
    /// Returns the number of bytes in a size; `nil` for any other text.
    static func bytes(of text: String) -> Int64? {
        guard text.hasSuffix(" bytes)"), let open = text.utf8.lastIndex(of: UInt8(ascii: "(")) else { return nil }
        let unit = text[..<open]
        guard [" B ", " KB ", " MB ", " GB ", " TB ", " PB "].contains(where: { unit.hasSuffix($0) }) else {
            return nil
        }
        let digits = text[text.index(after: open)...].dropLast(" bytes)".utf8.count)
        guard let first = digits.utf8.first, (0x30...0x39).contains(first),
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ",") })
        else { return nil }
        return Int64(digits.filter { $0 != "," })
    }
}

extension Stage {
    /// Reports a key that could not be computed, which counts as `$null`.
    func withoutKey(_ reason: Interrupt, _ specification: CommandSpecification) throws(Interrupt) -> PSValue {
        guard case .blockFailed(let record) = reason else { throw reason }
        try report(
            NativeError(
                specification.errorID("ExpressionEvaluation"), record.message, isReadable: record.isReadable))
        return .null
    }
}
