import PowerShellSyntax

/// Arrays with elements of a type of their own. A value doesn't tell `[int[]](1, 2)` from `@(1, 2)`, which differ only
/// in what their type says and in what their elements accept. What shows the difference is handed over for an array
/// that may be a typed one: all its elements are of a type of which the script has made such an array.
extension Evaluator {
    /// Notes that an array with elements of one type may have been made.
    func noteTyped(_ value: PSValue) -> PSValue {
        if case .array(let items) = value {
            typedElements.insert(items.first { !$0.isNull }?.typeName ?? "")
        }
        return value
    }

    /// Returns whether an array is certainly System.Object[].
    func isPlain(_ items: [PSValue]) -> Bool {
        guard !typedElements.isEmpty else { return true }
        guard let first = items.first(where: { !$0.isNull })?.typeName else { return false }
        guard typedElements.contains(first) else { return true }
        return items.contains { !$0.isNull && $0.typeName != first }
    }

    /// Hands over a value whose text names the type of an array in it, if that isn't certain.
    func refuseTyped(within value: PSValue) throws(Interrupt) {
        guard !typedElements.isEmpty else { return }
        var parts: [PSValue] = []
        switch value {
        case .array(let items): parts = items
        case .object(let object) where object.isCustom:
            for (name, part) in zip(object.shape.names, object.values)
            where object.arrayType(of: name) == PSValue.array([]).typeName { parts.append(part) }
        default: return
        }
        for case .array(let items) in parts where !isPlain(items) { throw .handOver("the type of an array") }
    }

    /// Hands over a list in a row that may be the list of another row which a block put out: its text is that of its
    /// elements, and not the name of its type.
    func refuseOutput(within value: PSValue) throws(Interrupt) {
        guard !outputSizes.isEmpty, case .object(let object) = value else { return }
        for (name, part) in zip(object.shape.names, object.values) {
            guard case .array(let items) = part, outputSizes.contains(items.count), !object.isOutput(name),
                object.arrayType(of: name) == PSValue.array([]).typeName
            else { continue }
            throw .handOver("the text of a list that a block may have put out")
        }
    }

    /// Hands over the change of an element if the array may convert the new value.
    func refuseConversion(of value: PSValue, in items: [PSValue], at place: Int) throws(Interrupt) {
        let before = items[place]
        guard !typedElements.isEmpty, before.isNull || typedElements.contains(before.typeName),
            before.typeName != value.typeName
        else { return }
        guard isPlain(items) else { throw .handOver("an element of another type in an array") }
    }

    /// Hands over `-is` with a type of arrays, unless the answer is certain.
    func refuseTypeTest(of left: PSValue, _ type: ExpressionSyntax) throws(Interrupt) {
        guard case .array(let items) = left, case .type(let node) = type else { return }
        let written = node.typeName.fullName.lowercased()
        guard written.hasSuffix("[]") else { return }
        // An array of texts is also one of objects, unlike one of values.
        let isOfTexts = if case .string? = items.first { true } else { false }
        guard ["object[]", "system.object[]"].contains(written), isOfTexts || isPlain(items) else {
            throw .handOver("a type test of an array")
        }
    }
}
