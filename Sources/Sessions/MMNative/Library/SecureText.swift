/// What a script keeps secret: `[securestring]` and `[pscredential]`. The text itself isn't kept, since nothing here
/// could use it: the connection is signed in already, and a script that asks for the text is handed over.
enum SecureText {
    static let typeName = "System.Security.SecureString"
    static let credentialType = "System.Management.Automation.PSCredential"

    /// Returns the secret of a text; `nil` for an empty one, which a script can't make a secret of.
    static func made(of text: String) -> PSValue? {
        guard !text.isEmpty else { return nil }
        return object([("Length", .int(Int32(truncatingIfNeeded: text.utf16.count)))], typeName)
    }

    /// Returns the credential of a name and a secret.
    static func credential(_ parts: [PSValue]) throws(Interrupt) -> PSValue {
        guard parts.count == 2, case .string(let name) = parts[0], !name.isEmpty, Self.is(parts[1], typeName),
            let made = object([("UserName", parts[0]), ("Password", parts[1])], credentialType)
        else { throw .handOver("an unusual credential") }
        return made
    }

    /// Returns whether a value has one of the types.
    static func `is`(_ value: PSValue, _ type: String) -> Bool {
        if case .object(let object) = value { object.typeName == type } else { false }
    }

    private static func object(_ pairs: [(String, PSValue)], _ type: String) -> PSValue? {
        PSObject(pairs, typeName: type, isCustom: false).map { .object($0) }
    }
}

extension PSObject {
    /// Whether it is a secret or a credential, whose text is the name of its type.
    package var isSecret: Bool { [SecureText.typeName, SecureText.credentialType].contains(typeName) }
}
