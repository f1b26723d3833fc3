/// Removes secrets from what is about to be logged, shown in an error or stored: by field name, by shape, and, wherever
/// they occur, those that this process holds. When in doubt it removes too much.
public struct Redactor: Sendable {
    /// Known secrets besides those that the process holds.
    private let known: SecretIndex
    private let held: HeldSecrets

    /// The replacement for a secret.
    package static let mark = Secret.placeholder

    /// Redacts by name, by shape and by the secrets that the process holds.
    public static let standard = Redactor()

    /// Creates a redactor.
    /// - Parameter known: texts to remove wherever they occur; texts under eight bytes are ignored, since they would
    ///   match by chance.
    package init(known: [Secret] = []) {
        self.init(known: known, held: .shared)
    }

    /// Creates a redactor with its own collection of held secrets, for tests.
    package init(known: [Secret] = [], held: HeldSecrets) {
        self.known = SecretIndex(known)
        self.held = held
    }

    /// Returns a value without secrets.
    public func json(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(self.text(text))
        case .array(let items): .array(items.map { json($0) })
        case .object(let members): .object(object(members))
        case .null, .bool, .int, .double, .number: value
        }
    }

    /// Returns an object without secrets; keys are kept.
    public func object(_ members: JSONObject) -> JSONObject {
        members.mapValues { key, value in
            let name = SecretNames.normalized(key)
            if SecretNames.isCode(plain: name) {
                guard let code = value.string, SecretNames.isSecretCode(code.utf8) else { return json(value) }
                return .string(Self.mark)
            }
            guard SecretNames.isSecret(plain: name) else { return json(value) }
            switch value {
            // A count or a flag reveals nothing about the secret itself.
            case .null, .bool, .int, .string(""): return value
            default: return .string(Self.mark)
            }
        }
    }

    /// Returns a free text without secrets: command lines, service messages, URLs, whole documents.
    public func text(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let unnamed = known.replacing(in: bytes, with: Self.mark)
        let unknown = held.index.replacing(in: unnamed ?? bytes, with: Self.mark) ?? unnamed
        var scan = SecretScan(unknown ?? bytes)
        return scan.run() ?? unknown.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// Returns an error without secrets.
    public func error(_ error: MMError) -> MMError {
        var clean = error
        clean.message = text(error.message)
        clean.hint = error.hint.map { text($0) }
        clean.details = object(error.details)
        clean.cause = error.cause.map { text($0) }
        return clean
    }
}
