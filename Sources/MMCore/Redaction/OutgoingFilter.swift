/// Removes tokens, codes and private keys from answers to a caller: those with a recognisable shape, and those that
/// this process holds, the latter also reversed, in base64 and as hex digits. Names of fields are no evidence here,
/// unlike in logs: an answer may contain a code that the caller is meant to see.
package struct OutgoingFilter: Sendable {
    private let held: HeldSecrets
    private let detectsShapes: Bool

    /// Creates a filter.
    /// - Parameters:
    ///   - held: the secrets to look for in addition to those recognised by shape.
    ///   - detectsShapes: whether to remove whatever looks like a token or a private key; `false` for an answer in
    ///     which a person has confirmed that a secret is given out.
    package init(held: HeldSecrets = .shared, detectsShapes: Bool = true) {
        self.held = held
        self.detectsShapes = detectsShapes
    }

    /// Returns a text without secrets.
    package func text(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let plain = held.index.replacing(in: bytes, with: Redactor.mark)
        let unheld = held.disguised.replacingDisguised(in: plain ?? bytes, with: Redactor.mark) ?? plain
        var scan = SecretScan(unheld ?? bytes, byName: false)
        return (detectsShapes ? scan.run() : nil) ?? unheld.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// Returns a value without secrets.
    package func json(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(self.text(text))
        case .array(let items): .array(items.map { json($0) })
        case .object(let members): .object(members.mapValues { json($1) })
        case .null, .bool, .int, .double, .number: value
        }
    }

    /// Returns an error without secrets, because services repeat in their errors what they were sent.
    package func error(_ error: MMError) -> MMError {
        var clean = error
        clean.message = text(error.message)
        clean.hint = error.hint.map { text($0) }
        clean.details = error.details.mapValues { json($1) }
        clean.cause = error.cause.map { text($0) }
        return clean
    }
}
