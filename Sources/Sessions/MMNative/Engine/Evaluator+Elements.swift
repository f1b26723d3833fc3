import PowerShellSyntax

/// Assignments to elements of arrays.
extension Evaluator {
    /// Returns the element of the array that a variable holds.
    func slot(
        of expression: ExpressionSyntax, _ count: Int, _ key: PSValue
    ) throws(Interrupt) -> Place {
        // Whether the array is shared is known only when its element is replaced; a hand-over is still possible then
        // only if nothing was sent.
        guard onlyReads || !delivery.hasSent, case .variable(let variable) = expression,
            variable.path.qualifier == .none,
            case .int(let number) = key
        else { throw .handOver("an assignment to a part of System.Object[]") }
        let place = number < 0 ? count + Int(number) : Int(number)
        guard (0..<count).contains(place) else {
            throw .statement(
                NativeError(
                    "System.IndexOutOfRangeException", "Index was outside the bounds of the array.", isReadable: true))
        }
        return .slot(variable.path.name.lowercased(), place)
    }

    /// Returns the value of an element of a variable's array.
    func element(_ place: Int, of name: String) throws(Interrupt) -> PSValue {
        guard case .array(let items)? = variables[name], items.indices.contains(place) else { return .null }
        return items[place]
    }

    /// Replaces an element of an array. In PowerShell a shared array would change for all its holders, which values
    /// can't do: hands over if replacing the element copied the storage, because the array is then shared.
    func replace(_ place: Int, of name: String, with value: PSValue) throws(Interrupt) {
        guard let owner = variables.owner(of: name), case .array(var items)? = owner[name],
            items.indices.contains(place)
        else {
            throw .handOver("an assignment to a part of System.Object[]")
        }
        try refuseConversion(of: value, in: items, at: place)
        try limited(.array([value]))
        owner[name] = .null
        let before = items.withUnsafeBufferPointer { $0.baseAddress }
        let after = items.withUnsafeMutableBufferPointer { elements in
            elements[place] = value.withoutNothing
            return UnsafePointer(elements.baseAddress)
        }
        owner[name] = .array(items)
        guard before == after else { throw .handOver("an element of a list that is held twice") }
    }
}
