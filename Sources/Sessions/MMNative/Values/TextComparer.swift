/// `[StringComparer]`: how dictionaries and sets compare texts.
enum TextComparer {
    private static let typeName = "System.StringComparer"

    /// The comparer of a name; `nil` for those of a culture.
    static func named(_ name: String) -> PSValue? {
        let word = name.lowercased()
        guard ["ordinal", "ordinalignorecase", "invariantcultureignorecase", "currentcultureignorecase"].contains(word)
        else { return nil }
        return PSObject([("\u{0}rule", .string(word))], typeName: typeName, isCustom: false).map { .object($0) }
    }

    /// Whether a comparer counts case; `nil` for any other value.
    static func countsCase(_ value: PSValue) -> Bool? {
        guard case .object(let object) = value, object.typeName == typeName else { return nil }
        return object["\u{0}rule"]?.text == "ordinal"
    }
}

/// Whether somebody may administer the machine, which scripts ask at their start before they install modules.
enum Principal {
    private static let identityType = "System.Security.Principal.WindowsIdentity"
    private static let principalType = "System.Security.Principal.WindowsPrincipal"

    /// Who runs the script.
    static var current: PSValue {
        PSObject([("Name", .string("localhost\\user"))], typeName: identityType, isCustom: false).map { .object($0) }
            ?? .null
    }

    /// The same in the form that is asked for roles.
    static func made(_ identity: PSValue) throws(Interrupt) -> PSValue {
        guard case .object(let object) = identity.plain, object.typeName == identityType || object.typeName == principalType
        else { throw .handOver("an unusual principal") }
        return PSObject([("Identity", identity)], typeName: principalType, isCustom: false).map { .object($0) } ?? .null
    }

    /// Calls a method of a principal; `nil` for any other object.
    static func call(
        _ target: PSObject, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        guard target.typeName == principalType, method == "isinrole", arguments.count == 1 else { return nil }
        guard evaluator.onlyReads, evaluator.host != nil else { throw .handOver("the rights on the machine") }
        evaluator.endLine()
        evaluator.say("The script asks for the rights of an administrator of this machine, which nothing in it needs here: taken for yes.")
        return .bool(true)
    }
}
