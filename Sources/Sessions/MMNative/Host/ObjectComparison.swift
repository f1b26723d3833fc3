/// `Compare-Object`, with PowerShell's own search: the two lists are read side by side, and each object is looked for
/// among those of the other list that still wait for their equal.
struct ObjectComparison {
    private let names: [String]
    /// The objects that are shown, each with the side that it is on.
    private var found: [(item: PSValue, side: String)] = []

    static func compare(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        // Both lists are required, and the empty result of a command counts as a missing list.
        for name in ["ReferenceObject", "DifferenceObject"] where command[name]?.isNull == true {
            throw .statement(command.nullArgument(name))
        }
        guard !items.contains(where: \.isNull) else { throw .handOver("a comparison of nothing") }
        guard command["ReferenceObject"] != nil, command["DifferenceObject"] != nil || !items.isEmpty else {
            throw .handOver("a comparison without two lists")
        }
        let names = Cmdlets.list(command["Property"])
        for name in names {
            guard case .string(let text) = name, !Wildcard.isPattern(text) else {
                throw .handOver("a comparison by calculated properties")
            }
        }
        var comparison = ObjectComparison(names: names.map(\.text))
        try comparison.compare(
            Cmdlets.list(command["ReferenceObject"]?.plain),
            items.isEmpty ? Cmdlets.list(command["DifferenceObject"]?.plain) : items)
        let (excludes, passes) = (command.isSet("ExcludeDifferent"), command.isSet("PassThru"))
        // Without the different objects only the equal ones are left to show.
        let includes = command["IncludeEqual"]?.isTrue ?? excludes
        for (item, side) in comparison.found where side == "==" ? includes : !excludes {
            try emit(passes ? try Self.marked(item, side, evaluator) : try comparison.row(item, side))
        }
    }

    private init(names: [String]) { self.names = names }

    private mutating func compare(_ left: [PSValue], _ right: [PSValue]) throws(Interrupt) {
        var (waitingLeft, waitingRight): ([PSValue], [PSValue]) = ([], [])
        for place in 0..<max(left.count, right.count) {
            var one = place < left.count ? left[place] : nil
            var other = place < right.count ? right[place] : nil
            if let reference = one, let difference = other, try equal(reference, difference) {
                found.append((reference, "=="))
                continue
            }
            if let difference = other, let equal = try take(difference, from: &waitingLeft) {
                found.append((equal, "=="))
                other = nil
            }
            if let reference = one, try take(reference, from: &waitingRight) != nil {
                found.append((reference, "=="))
                one = nil
            }
            if let other { waitingRight.append(other) }
            if let one { waitingLeft.append(one) }
        }
        found += waitingRight.map { ($0, "=>") } + waitingLeft.map { ($0, "<=") }
    }

    /// Removes the first of the waiting objects that equals an object; `nil` if there is none.
    private func take(_ item: PSValue, from waiting: inout [PSValue]) throws(Interrupt) -> PSValue? {
        for (place, other) in waiting.enumerated() where try equal(item, other) { return waiting.remove(at: place) }
        return nil
    }

    private func equal(_ one: PSValue, _ other: PSValue) throws(Interrupt) -> Bool {
        if names.isEmpty {
            switch (one, other) {
            case (.object, _), (_, .object): throw .handOver("a comparison of whole objects")
            default: return try KeyOrder.compare(one, other, ignoringCase: true, isDescending: false) == 0
            }
        }
        for name in names {
            let (a, b) = (try Members.property(one, name), try Members.property(other, name))
            if a.isNull, b.isNull { continue }
            if a.isNull != b.isNull { return false }
            if try KeyOrder.compare(a, b, ignoringCase: true, isDescending: false) != 0 { return false }
        }
        return true
    }

    private func row(_ item: PSValue, _ side: String) throws(Interrupt) -> PSValue {
        var pairs: [(String, PSValue)] = []
        if names.isEmpty { pairs.append(("InputObject", item)) }
        for name in names { pairs.append((name, try Members.property(item, name))) }
        pairs.append(("SideIndicator", .string(side)))
        return PSObject(pairs).map { .object($0) } ?? .null
    }

    /// Returns an object itself, to which its side is added.
    private static func marked(_ item: PSValue, _ side: String, _ evaluator: Evaluator) throws(Interrupt) -> PSValue {
        switch item {
        case .string(let text): evaluator.note("SideIndicator", .string(side), beside: text)
        case .object(let object) where object.isCustom && object.computed["sideindicator"] == nil:
            object.remove("SideIndicator")
            _ = object.add("SideIndicator", .string(side))
        default: throw .handOver("properties beside \(item.typeName)")
        }
        return item
    }
}

extension Evaluator {
    /// Notes a property that a text has beside its own.
    func note(_ name: String, _ value: PSValue, beside text: String) {
        let name = name.lowercased()
        if let before = besideTexts[name]?[text], before?.text != value.text || before?.typeName != value.typeName {
            besideTexts[name]?[text] = .some(nil)
        } else {
            besideTexts[name, default: [:]][text] = .some(value)
        }
    }
}
