package import MMCore

/// Secrets that commands are given by name, so that they stand in no call, command line or history.
///
/// A person puts them into the state folder (`~/.m365-state/secrets/NAME`, 0600) or the environment
/// (`MM_SECRET_NAME`); a model knows only their names.
package enum ShellSecretStore {
    /// The secret of a name.
    /// - Throws: `invalidInput` for what is no name, `notFound` with how to put it there.
    package static func secret(named name: String, _ services: ShellServices) throws(MMError) -> Secret {
        let isName =
            !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy { byte in
                (0x41...0x5A).contains(byte & 0xDF) || (0x30...0x39).contains(byte) || byte == 0x5F || byte == 0x2D
            }
        guard isName else {
            throw MMError(
                .invalidInput, "That isn't the name of a secret.",
                hint: "Give the name under which a person has stored it, never the secret itself.")
        }
        let variable = "MM_SECRET_" + name.uppercased().map { $0 == "-" ? "_" : $0 }
        if let value = services.environment[variable], !value.isEmpty { return held(value) }
        let path = services.paths.stateDirectory + "/secrets/" + name
        guard let bytes = try ProtectedFile.read(path, limit: 8192) else {
            throw MMError(
                .notFound, "There is no secret “\(name)”.",
                hint:
                    "A person stores it: (umask 077; mkdir -p \(services.paths.stateDirectory)/secrets; cat > \(path))")
        }
        var text = bytes[...]
        while let last = text.last, last == 0x0A || last == 0x0D { text.removeLast() }
        return held(String(decoding: text, as: UTF8.self))
    }

    /// What is used is known from then on, and taken out of all that leaves.
    private static func held(_ text: String) -> Secret {
        let secret = Secret(text)
        HeldSecrets.shared.hold(secret)
        return secret
    }
}
