/// What may leave for whoever asked: everything but tokens, codes and private keys, by their shape and by what this process
/// holds. Names of fields prove nothing here, unlike in logs: an answer may hold a code that the caller is to see.
package struct OutgoingFilter: Sendable {
    private let held: HeldSecrets
    private let knowsShapes: Bool

    /// A filter.
    /// - Parameters:
    ///   - held: the secrets to look for besides those that show by their shape.
    ///   - knowsShapes: whether what looks like a token or a private key stays as well; `false` for an answer in which a
    ///     person has confirmed that a secret is given out.
    package init(held: HeldSecrets = .shared, knowsShapes: Bool = true) {
        self.held = held
        self.knowsShapes = knowsShapes
    }

    /// A text without secrets.
    package func text(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let unheld = held.index.replacing(in: bytes, with: Redactor.mark)
        var scan = SecretScan(unheld ?? bytes, byName: false)
        return (knowsShapes ? scan.run() : nil) ?? unheld.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// A value without secrets.
    package func json(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(self.text(text))
        case .array(let items): .array(items.map { json($0) })
        case .object(let members): .object(JSONObject(members.map { ($0.key, json($0.value)) }))
        case .null, .bool, .int, .double, .number: value
        }
    }

    /// An error without secrets: services repeat in their complaints what they were sent.
    package func error(_ error: MMError) -> MMError {
        var clean = error
        clean.message = text(error.message)
        clean.hint = error.hint.map { text($0) }
        clean.details = JSONObject(error.details.map { ($0.key, json($0.value)) })
        clean.cause = error.cause.map { text($0) }
        return clean
    }
}
