/// Takes secrets out of what is about to be logged, shown in an error or kept: by the name of a field, by the shape of a text,
/// and those that this process holds wherever they stand. When in doubt it takes out too much.
public struct Redactor: Sendable {
    /// Texts that are known to be secret besides those that the process holds.
    private let known: SecretIndex
    private let held: HeldSecrets

    /// What is put in a secret's place.
    public static let mark = Secret.placeholder

    /// Redacts by name and shape.
    public static let standard = Redactor()

    /// A redactor.
    /// - Parameter known: texts to take out wherever they stand; those under eight bytes are left, they would hit by chance.
    public init(known: [Secret] = []) {
        self.init(known: known, held: .shared)
    }

    /// A redactor with the secrets of another process's hands, for tests.
    package init(known: [Secret] = [], held: HeldSecrets) {
        self.known = SecretIndex(known)
        self.held = held
    }

    /// A value without secrets.
    public func json(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(self.text(text))
        case .array(let items): .array(items.map { json($0) })
        case .object(let members): .object(object(members))
        case .null, .bool, .int, .double, .number: value
        }
    }

    /// An object without secrets; keys stay.
    public func object(_ members: JSONObject) -> JSONObject {
        JSONObject(
            members.map { key, value in
                if SecretNames.isCode(key) {
                    guard let code = value.string, SecretNames.isSecretCode(code.utf8) else {
                        return (key, json(value))
                    }
                    return (key, .string(Self.mark))
                }
                guard SecretNames.isSecret(key) else { return (key, json(value)) }
                switch value {
                // A count or a flag says nothing of the secret itself.
                case .null, .bool, .int, .string(""): return (key, value)
                default: return (key, .string(Self.mark))
                }
            })
    }

    /// A header's value without secrets.
    /// - Parameters:
    ///   - name: the header.
    ///   - value: what it says.
    public func header(_ name: String, _ value: String) -> String {
        SecretNames.isSecret(name) ? Self.mark : text(value)
    }

    /// A free text without secrets: command lines, messages of services, addresses, whole documents.
    public func text(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let unknown = [known, held.index].reduce(nil as [UInt8]?) { clean, index in
            index.replacing(in: clean ?? bytes, with: Self.mark) ?? clean
        }
        var scan = SecretScan(unknown ?? bytes)
        return scan.run() ?? unknown.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// An error without secrets.
    public func error(_ error: MMError) -> MMError {
        var clean = error
        clean.message = text(error.message)
        clean.hint = error.hint.map { text($0) }
        clean.details = object(error.details)
        clean.cause = error.cause.map { text($0) }
        return clean
    }
}
