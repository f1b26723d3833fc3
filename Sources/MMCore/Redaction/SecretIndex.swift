/// Finds known texts within any text in one pass; a table of their first two bytes rules out nearly every position.
struct SecretIndex: Sendable {
    /// The minimum length in bytes; a shorter secret would match by chance.
    static let shortest = 8

    private var secrets: [[UInt8]: [[UInt8]]] = [:]
    private var starts = [UInt64](repeating: 0, count: 1024)

    /// Whether the index is empty.
    var isEmpty: Bool { secrets.isEmpty }

    /// Creates an index of secrets; those that are too short are left out.
    init(_ secrets: some Sequence<Secret> = []) {
        for secret in secrets { insert(secret) }
    }

    /// Adds a secret.
    mutating func insert(_ secret: Secret) {
        let bytes = Array(secret.reveal().utf8)
        guard bytes.count >= Self.shortest else { return }
        let start = Array(bytes.prefix(Self.shortest))
        guard secrets[start]?.contains(bytes) != true else { return }
        // Of two secrets with the same beginning, the longer one must match first.
        secrets[start, default: []].append(bytes)
        secrets[start]?.sort { $0.count > $1.count }
        let pair = Int(bytes[0]) << 8 | Int(bytes[1])
        starts[pair >> 6] |= 1 << UInt64(pair & 63)
    }

    /// Returns the length of the longest incomplete beginning of a known secret at the end of a text, in bytes.
    func beginning(atEndOf text: [UInt8]) -> Int {
        var longest = 0
        for candidates in secrets.values {
            for secret in candidates {
                var count = min(secret.count - 1, text.count)
                while count > longest {
                    // The first byte rules out most suffixes.
                    if text[text.count - count] == secret[0], secret.starts(with: text.suffix(count)) { break }
                    count -= 1
                }
                longest = max(longest, count)
            }
        }
        return longest
    }

    /// Replaces every known secret in a text.
    /// - Returns: `nil` when the text contains none.
    func replacing(in text: [UInt8], with mark: String) -> [UInt8]? {
        guard !isEmpty, text.count >= Self.shortest else { return nil }
        var clean: [UInt8] = []
        var copied = 0
        var position = 0
        while position + Self.shortest <= text.count {
            let pair = Int(text[position]) << 8 | Int(text[position + 1])
            guard starts[pair >> 6] & (1 << UInt64(pair & 63)) != 0,
                let candidates = secrets[Array(text[position..<(position + Self.shortest)])],
                let found = candidates.first(where: { text[position...].starts(with: $0) })
            else {
                position += 1
                continue
            }
            clean += text[copied..<position]
            clean += mark.utf8
            position += found.count
            copied = position
        }
        guard copied > 0 else { return nil }
        return clean + text[copied...]
    }
}
