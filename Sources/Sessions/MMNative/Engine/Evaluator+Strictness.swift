import PowerShellSyntax

/// What `Set-StrictMode` makes an error: from version 1 on, reading a variable that was never set; from version 2 on,
/// also within text, reading a property that an object doesn't have and an index of what has no elements; from
/// version 3 on, an index out of range.
extension Evaluator {
    /// Carries out `Set-StrictMode`, which holds until the running function ends.
    static func setStrictMode(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard !command.isSet("Off"), let version = command["Version"] else {
            evaluator.strictness = 0
            return
        }
        let text = try PSText.string(version)
        let major = Int(text.prefix { $0 != "." })
        guard let wanted = text.lowercased() == "latest" ? 3 : major else {
            throw .handOver("an unusual version of Set-StrictMode")
        }
        evaluator.strictness = wanted
    }

    // MARK: Variables

    /// Refuses a variable that was never set.
    /// - Parameter shown: its name as the script writes it.
    func refuseUnset(_ shown: String) throws(Interrupt) {
        guard strictness >= 2 || strictness == 1 && openTexts == 0 else { return }
        throw .statement(
            NativeError(
                "VariableIsUndefined", "The variable '$\(shown)' cannot be retrieved because it has not been set.",
                category: "InvalidOperation", isReadable: true))
    }

    // MARK: Properties

    /// Refuses a property that a value doesn't have.
    func refuseMissing(_ name: String, of target: PSValue) throws(Interrupt) {
        guard strictness >= 2, try lacks(name, target) else { return }
        throw .statement(
            NativeError(
                "PropertyNotFoundStrict",
                "The property '\(name)' cannot be found on this object. Verify that the property exists.",
                isReadable: true))
    }

    /// Returns the error of a cmdlet that asks an object for a member that it doesn't have; `nil` where nothing is
    /// strict.
    /// - Parameters:
    ///   - kind: what the cmdlet calls what it asks for.
    ///   - id: the error's id.
    func unresolved(
        _ name: String, of item: PSValue, _ kind: String, _ id: String, in specification: CommandSpecification
    ) throws(Interrupt) -> NativeError? {
        guard strictness >= 2, try lacks(name, item) else { return nil }
        if item.isNull {
            return NativeError(
                specification.errorID("InputObjectIsNull"), "Cannot operate on a 'null' input object.",
                category: "InvalidArgument", isReadable: true)
        }
        if kind == "member", try hasMethod(name, item) { return nil }
        return NativeError(
            specification.errorID(id), "The input name \"\(name)\" cannot be resolved to a \(kind).",
            category: "InvalidArgument", isReadable: true)
    }

    /// Returns whether a value may have a method of a name. Of custom objects all are known.
    private func hasMethod(_ name: String, _ value: PSValue) throws(Interrupt) -> Bool {
        guard case .object(let object) = value else { return true }
        return object.method(name.lowercased()) != nil || object.ownClass != nil
            || ["tostring", "gettype", "equals", "gethashcode"].contains(name.lowercased())
    }

    private static let ofTables: Set<String> = [
        "count", "keys", "values", "isreadonly", "isfixedsize", "issynchronized", "syncroot", "comparer",
    ]
    private static let ofLists: Set<String> = ["count", "capacity"]
    private static let ofAny: Set<String> = ["psobject", "pstypenames", "psbase", "psadapted", "psextended"]

    /// Returns whether it is certain that a value has no property of a name.
    private func lacks(_ name: String, _ target: PSValue) throws(Interrupt) -> Bool {
        var walk = ValueWalk()
        return try lacks(name, target, &walk)
    }

    private func lacks(_ name: String, _ target: PSValue, _ walk: inout ValueWalk) throws(Interrupt) -> Bool {
        let folded = name.lowercased()
        // Every object has a count only where nothing is strict.
        let isCount = folded == "count" || folded == "length"
        switch target {
        case .null, .nothing: return true
        case _ where Self.ofAny.contains(folded): return false
        case .array(let items):
            if try Members.ownProperty(target, name) != nil { return false }
            return try areWithout(name, items, &walk)
        case .list(let list):
            if Self.ofLists.contains(folded) || list.kind == .excelSheets { return false }
            return try areWithout(name, list.items, &walk)
        case .table(let table): return table[name] == nil && !Self.ofTables.contains(folded)
        case .object(let object):
            guard object.read(name) == nil, object.declared?.spelling(of: name) == nil,
                object.method(folded) == nil
            else { return false }
            if XMLNode.isNode(object) { return try XMLNode.property(object, name) == nil }
            return object.isWhole
        case .string(let text):
            if !isCount { return try Members.ownProperty(.string(text), name) == nil }
            return folded == "count"
        case .block, .type, .ownType, .typeInfo: return false
        default:
            if isCount { return true }
            return try Members.ownProperty(target, name) == nil
        }
    }

    /// Returns whether the elements of a list give no value of a property: one has no such property, or all are empty.
    private func areWithout(
        _ name: String, _ items: [PSValue], _ walk: inout ValueWalk
    ) throws(Interrupt) -> Bool {
        guard walk.enter() else { throw .handOver("a property of lists within lists") }
        defer { walk.leave() }
        var hasValue = false
        for item in items {
            if try lacks(name, item, &walk) { return true }
            guard !hasValue else { continue }
            if case .object(let object) = item, case .array(let own)? = object.read(name), own.isEmpty { continue }
            hasValue = true
        }
        return !hasValue
    }

    // MARK: Elements

    /// Refuses an index that a value doesn't have.
    func refuseIndex(_ index: PSValue, of target: PSValue) throws(Interrupt) {
        guard strictness >= 2 else { return }
        let count: Int
        switch target {
        case .array(let items): count = items.count
        case .list(let list): count = list.items.count
        case .string(let text): count = text.utf16.count
        case .int, .long, .double, .single, .byte, .decimal, .bool, .char, .date, .span, .guid:
            guard !Self.isOfOne(index) else { return }
            throw .statement(
                NativeError(
                    "CannotIndex", "Unable to index into an object of type \"\(target.typeName)\".",
                    category: "InvalidOperation", isReadable: true))
        default: return
        }
        guard strictness >= 3 else { return }
        for place in Cmdlets.list(index) {
            if case .string = place, try Conversion.converted(place, to: .int) == nil {
                throw .statement(try Conversion.failure(place, to: .int))
            }
            guard case .int(let number) = place, !(0..<count).contains(number < 0 ? count + Int(number) : Int(number))
            else { continue }
            if case .list = target {
                throw .statement(
                    NativeError(
                        "System.ArgumentOutOfRangeException",
                        "Index was out of range. Must be non-negative and less than the size of the collection. "
                            + "(Parameter 'index')", category: "OperationStopped", isReadable: true))
            }
            throw .statement(
                NativeError(
                    "System.IndexOutOfRangeException", "Index was outside the bounds of the array.",
                    category: "OperationStopped", isReadable: true))
        }
    }

    private static func isOfOne(_ index: PSValue) -> Bool {
        if case .int(let number) = index { number == 0 || number == -1 } else { true }
    }
}

extension PSObject {
    /// Whether all of its properties are known here, so that there are no others. Rows of a service may have more than
    /// were returned, unless a selection named them.
    fileprivate var isWhole: Bool {
        if declared != nil || typeName.hasPrefix("Selected.") { return true }
        return !isRow && model == nil && columns == nil && (isOfScript || isListable)
    }
}
