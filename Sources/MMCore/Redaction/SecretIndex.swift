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
        insert(Array(secret.reveal().utf8))
    }

    private mutating func insert(_ bytes: [UInt8]) {
        guard bytes.count >= Self.shortest else { return }
        let start = Array(bytes.prefix(Self.shortest))
        guard secrets[start]?.contains(bytes) != true else { return }
        // Where two secrets begin alike, the longer one must match first.
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
        while let place = text.withUnsafeBufferPointer({ start(in: $0, from: position) }) {
            guard place + Self.shortest <= text.count,
                let candidates = secrets[Array(text[place..<(place + Self.shortest)])],
                let found = candidates.first(where: { text[place...].starts(with: $0) })
            else {
                position = place + 1
                continue
            }
            clean += text[copied..<place]
            clean += mark.utf8
            position = place + found.count
            copied = position
        }
        guard copied > 0 else { return nil }
        return clean + text[copied...]
    }

    /// Returns the next position at which two bytes stand with which a known text begins.
    private func start(in text: UnsafeBufferPointer<UInt8>, from position: Int) -> Int? {
        var place = position
        while place + 1 < text.count {
            if begins(text[place], text[place + 1]) { return place }
            place += 1
        }
        return nil
    }

    /// Returns whether a known text begins with these two bytes.
    @inline(__always)
    private func begins(_ first: UInt8, _ second: UInt8) -> Bool {
        let pair = Int(first) << 8 | Int(second)
        return starts[pair >> 6] & (1 << UInt64(pair & 63)) != 0
    }

    // MARK: Encoded secrets

    /// The number of bytes of a secret whose encoded form is searched for: without its beginning the rest is useless.
    private static let lookedFor = 48

    /// Adds the forms of a secret that is reversed, in base64 or as hex digits, for each position within the encoded
    /// data.
    mutating func insert(disguisesOf secret: Secret) {
        let bytes = Array(secret.reveal().utf8)
        guard bytes.count >= Self.shortest else { return }
        insert(Array(bytes.reversed().suffix(Self.lookedFor)))
        insert(Array(bytes.reversed().prefix(Self.lookedFor)))
        for part in [Array(bytes.prefix(Self.lookedFor)), Array(bytes.prefix(Self.lookedFor).reversed())] {
            let hex = Hex.text(part)
            insert(Array(hex.utf8))
            insert(Array(hex.uppercased().utf8))
            for shift in 0..<3 {
                // The first and the last base64 group depend on the bytes around the secret.
                let text = Array(Base64.text([UInt8](repeating: 0, count: shift) + part).utf8)
                let start = shift == 0 ? 0 : 4
                let end = text.count - 4
                guard end - start >= Self.shortest * 2 else { continue }
                let core = Array(text[start..<end])
                insert(core)
                insert(core.map { $0 == 0x2B ? 0x2D : $0 == 0x2F ? 0x5F : $0 })
            }
        }
    }

    /// Replaces encoded secrets, together with all encoded text that follows them. Blanks and line ends within the text
    /// are ignored.
    /// - Returns: `nil` when the text contains none.
    func replacingDisguised(in text: [UInt8], with mark: String) -> [UInt8]? {
        guard !isEmpty, text.count >= Self.shortest else { return nil }
        return text.withUnsafeBufferPointer { text in
            var clean: [UInt8] = []
            var copied = 0
            var place = Self.written(in: text, from: 0)
            while place < text.count {
                let next = Self.written(in: text, from: place + 1)
                guard next < text.count, begins(text[place], text[next]), var end = end(at: place, in: text) else {
                    place = next
                    continue
                }
                clean += text[copied..<place]
                clean += mark.utf8
                // The encoded text that follows contains the rest of the secret.
                place = Self.written(in: text, from: end)
                while place < text.count, place <= end + 1, Self.isWriting(text[place]) {
                    end = place + 1
                    place = Self.written(in: text, from: end)
                }
                copied = end
            }
            guard copied > 0 else { return nil }
            return clean + text[copied...]
        }
    }

    /// Returns where the known text ends that begins at a place, blanks within it ignored.
    private func end(at place: Int, in text: UnsafeBufferPointer<UInt8>) -> Int? {
        var first: [UInt8] = []
        first.reserveCapacity(Self.shortest)
        var next = place
        while first.count < Self.shortest, next < text.count {
            first.append(text[next])
            next = Self.written(in: text, from: next + 1)
        }
        candidates: for candidate in secrets[first] ?? [] {
            var (next, end) = (place, place)
            for byte in candidate {
                guard next < text.count, text[next] == byte else { continue candidates }
                end = next + 1
                next = Self.written(in: text, from: end)
            }
            return end
        }
        return nil
    }

    /// Returns the first place that is no blank.
    private static func written(in text: UnsafeBufferPointer<UInt8>, from place: Int) -> Int {
        var place = place
        while place < text.count {
            switch text[place] {
            case 0x20, 0x0A, 0x0D, 0x09, 0x3A: place += 1
            default: return place
            }
        }
        return place
    }

    private static func isWriting(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte & 0xDF) || (0x30...0x39).contains(byte) || "+/=-_".utf8.contains(byte)
    }
}

/// The tokens, codes and keys that this process holds, so that they are recognised wherever they turn up: a service may
/// repeat a token in an error, a script may print it, and not every token has a recognisable shape.
package final class HeldSecrets: Sendable {
    /// The secrets of this process; every `Redactor` consults them.
    package static let shared = HeldSecrets()

    private struct State {
        var newest: [Secret] = []
        // The same token is passed to `hold` at each of its uses.
        var known: Set<ExactKey> = []
        var index = SecretIndex()
        var disguised = SecretIndex()
    }

    private let state = Mutex(State())
    private let limit: Int

    /// Creates a separate collection, for tests.
    /// - Parameter limit: how many secrets are remembered; the oldest are dropped first.
    package init(limit: Int = 1024) { self.limit = limit }

    /// Remembers a secret until so many others have followed that it can no longer be valid.
    package func hold(_ secret: Secret) {
        state.withLock { state in
            guard state.known.insert(ExactKey(secret.reveal())).inserted else { return }
            state.newest.append(secret)
            if state.newest.count > limit {
                for secret in state.newest.prefix(limit / 4) { state.known.remove(ExactKey(secret.reveal())) }
                state.newest.removeFirst(limit / 4)
                state.index = SecretIndex(state.newest)
                state.disguised = SecretIndex()
                for secret in state.newest { state.disguised.insert(disguisesOf: secret) }
            } else {
                state.index.insert(secret)
                state.disguised.insert(disguisesOf: secret)
            }
        }
    }

    var index: SecretIndex { state.withLock { $0.index } }

    /// The same secrets in their reversed, base64 and hexadecimal forms.
    var disguised: SecretIndex { state.withLock { $0.disguised } }
}
