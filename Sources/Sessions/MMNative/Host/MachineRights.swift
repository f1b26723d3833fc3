/// Whether the user is an administrator, which scripts check at their start before they install modules.
enum MachineRights {
    private static let identityType = "System.Security.Principal.WindowsIdentity"
    private static let principalType = "System.Security.Principal.WindowsPrincipal"

    /// The user that runs the script.
    static var current: PSValue {
        PSObject([("Name", .string("localhost\\user"))], typeName: identityType, isCustom: false).map { .object($0) }
            ?? .null
    }

    /// Returns the principal of an identity, which can be asked for roles.
    static func made(_ identity: PSValue) throws(Interrupt) -> PSValue {
        guard case .object(let object) = identity.plain,
            object.typeName == identityType || object.typeName == principalType
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
        evaluator.say(
            "The script asks for the rights of an administrator of this machine, which it does not need here: assumed yes."
        )
        return .bool(true)
    }
}
