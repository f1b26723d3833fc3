/// Takes secrets out of what is about to be logged, shown in an error or kept: by the name of a field and by the shape of a
/// text. When in doubt it takes out too much.
public struct Redactor: Sendable {
    /// Texts that are known to be secret and are taken out wherever they stand.
    private let known: [[UInt8]]

    /// What is put in a secret's place.
    public static let mark = Secret.placeholder

    /// Redacts by name and shape.
    public static let standard = Redactor()

    /// A redactor.
    /// - Parameter known: texts to take out wherever they stand; those under eight bytes are left, they would hit by chance.
    public init(known: [Secret] = []) {
        self.known = known.map { Array($0.reveal().utf8) }.filter { $0.count >= 8 }.sorted { $0.count > $1.count }
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
        let bytes = withoutKnown(Array(text.utf8))
        var scan = SecretScan(bytes)
        return scan.run() ?? (known.isEmpty ? text : String(decoding: bytes, as: UTF8.self))
    }

    private func withoutKnown(_ text: [UInt8]) -> [UInt8] {
        if known.isEmpty { return text }
        var clean: [UInt8] = []
        var position = 0
        while position < text.count {
            let hit = known.first { text[position] == $0[0] && text[position...].starts(with: $0) }
            if let hit {
                clean += Array(Self.mark.utf8)
                position += hit.count
            } else {
                clean.append(text[position])
                position += 1
            }
        }
        return clean
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
