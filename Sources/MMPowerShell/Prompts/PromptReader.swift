public import MMCore

/// A device code that a module shows while it signs in.
public struct DevicePrompt: Sendable, Hashable {
    /// The code that a person enters.
    public let userCode: String
    /// The page where the code is entered.
    public let verificationURI: String
    /// The module's own message, without escape codes.
    public let message: String
    /// The time at which the code expires, if the sign-in service named it.
    public let expiresAt: Timestamp?
    /// The reason why a person is asked although there was a token, in a sentence.
    package var reason: String?
    /// The sentence that reports that the sign-in service couldn't be asked whether the code has been entered.
    package var trouble: String?

    /// Creates a prompt.
    /// - Parameters:
    ///   - userCode: the code that a person enters.
    ///   - verificationURI: the page where it is entered.
    ///   - message: the module's own message.
    ///   - expiresAt: the time at which the code expires.
    package init(userCode: String, verificationURI: String, message: String, expiresAt: Timestamp? = nil) {
        self.userCode = userCode
        self.verificationURI = verificationURI
        self.message = message
        self.expiresAt = expiresAt
    }

    /// Returns the prompt with a note that the sign-in service couldn't be asked whether the code has been entered.
    func noting(_ trouble: String?) -> DevicePrompt {
        var prompt = self
        prompt.trouble = trouble.map { "(The last request to the sign-in service failed: \($0))" }
        return prompt
    }
}

/// Finds the device code in the output of a module that is signing in, on any stream.
///
/// It exists only while a session is signing in: later text that looks like a code is ignored.
package struct PromptReader: Sendable {
    private let words: [String]
    private let cloud: ModuleCloud
    /// The last text of each stream, because a code and its words may arrive in pieces.
    private var windows: [Source: String] = [:]

    private enum Source: Hashable { case records, stdout, stderr }
    private static let windowLimit = 4096
    /// The maximum distance, in characters, between the code and one of the profile's words.
    private static let nearness = 400

    /// Creates a reader for one sign-in.
    /// - Parameters:
    ///   - words: words, in lower case, of which one occurs near the code.
    ///   - cloud: the cloud whose page is shown if the text names no permitted one.
    package init(near words: [String], cloud: ModuleCloud) {
        self.words = words
        self.cloud = cloud
    }

    /// Searches a record of the connect command for a code.
    package mutating func read(_ record: PowerShellRecord) -> DevicePrompt? {
        var texts: [String] = []
        switch record.stream {
        case .output, .text: Self.collect(record.value, depth: 3, into: &texts)
        case .warning, .information, .verbose, .debug, .error:
            if let message = record.message { texts = [message] }
        case .progress: return nil
        }
        guard !texts.isEmpty else { return nil }
        // A record's text is complete, so its end also ends a code.
        return look(texts.joined(separator: "\n") + "\n", in: .records)
    }

    /// Searches text on standard output or standard error for a code.
    package mutating func read(_ console: ConsoleText) -> DevicePrompt? {
        look(console.text, in: console.stream == .stdout ? .stdout : .stderr)
    }

    private static func collect(_ value: JSONValue, depth: Int, into texts: inout [String]) {
        switch value {
        case .string(let text): texts.append(text)
        case .array(let items) where depth > 0: for item in items { collect(item, depth: depth - 1, into: &texts) }
        case .object(let members) where depth > 0:
            for member in members { collect(member.value, depth: depth - 1, into: &texts) }
        default: break
        }
    }

    private mutating func look(_ text: String, in source: Source) -> DevicePrompt? {
        var window = windows[source, default: ""] + text
        if window.utf8.count > Self.windowLimit * 2 { window = String(window.suffix(Self.windowLimit)) }
        windows[source] = window
        let plain = Array(TerminalText.plain(window))
        let folded = plain.map { $0.lowercased().first ?? $0 }
        for found in Self.codes(in: plain, folded) {
            let near = max(0, found.start - Self.nearness)..<min(plain.count, found.end + Self.nearness)
            let around = String(folded[near])
            guard words.contains(where: { around.contains($0) }) else { continue }
            windows = [:]
            let message = String(plain[Self.paragraph(of: found, in: plain)]).trimmingBlanks()
            return DevicePrompt(
                userCode: String(plain[found.start..<found.end]),
                verificationURI: Self.pages(in: String(plain[near])).first(where: cloud.shows(page:))
                    ?? cloud.devicePage,
                message: message)
        }
        return nil
    }

    private typealias Place = (start: Int, end: Int)

    /// Returns the positions of 8 to 12 letters and digits that follow the word “code”.
    private static func codes(in plain: [Character], _ folded: [Character]) -> [Place] {
        var places: [Place] = []
        let word: [Character] = ["c", "o", "d", "e"]
        guard folded.count > word.count else { return [] }
        for start in 0..<(folded.count - word.count) where folded[start..<(start + word.count)].elementsEqual(word) {
            if start > 0, isCodeLetter(plain[start - 1]) { continue }
            var position = start + word.count
            let gap = position
            while position < plain.count, position - gap < 8, isBetween(plain[position]) { position += 1 }
            guard position > gap else { continue }
            var end = position
            while end < plain.count, isCodeLetter(plain[end]) { end += 1 }
            // At the end of the text, the rest of the code may not have arrived yet.
            guard end < plain.count, (8...12).contains(end - position) else { continue }
            if isWord(plain[position..<end]) { continue }
            places.append((position, end))
        }
        return places
    }

    private static func isCodeLetter(_ letter: Character) -> Bool {
        guard let byte = letter.asciiValue else { return false }
        return (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func isBetween(_ letter: Character) -> Bool {
        letter.isWhitespace || ":'\"“”‘’`*_[](){}<>=-–".contains(letter)
    }

    /// Returns whether letters are a word of the sentence: lower case with a vowel. Codes contain no vowels, so that
    /// they spell nothing.
    private static func isWord(_ letters: ArraySlice<Character>) -> Bool {
        letters.allSatisfy { $0.isLowercase } && letters.contains { "aeiou".contains($0) }
    }

    /// Returns the paragraph around a code: the surrounding lines up to the next empty ones.
    private static func paragraph(of place: Place, in plain: [Character]) -> Range<Int> {
        var start = place.start
        var end = place.end
        while start > 0, !(plain[start - 1].isNewline && (start == 1 || plain[start - 2].isNewline)) { start -= 1 }
        while end < plain.count, !(plain[end].isNewline && (end + 1 == plain.count || plain[end + 1].isNewline)) {
            end += 1
        }
        return start..<end
    }

    private static func pages(in text: String) -> [String] {
        var pages: [String] = []
        var rest = text[...]
        while let range = rest.firstRange(of: "http") {
            let page = rest[range.lowerBound...].prefix { !$0.isWhitespace && !"\"'<>`“”".contains($0) }
            var trimmed = page
            while let last = trimmed.last, ".,;:!?)]".contains(last) { trimmed.removeLast() }
            if trimmed.contains("://") { pages.append(String(trimmed)) }
            rest = rest[page.endIndex...]
            if page.isEmpty { break }
        }
        return pages
    }
}

extension String {
    /// Returns the text without whitespace at both ends.
    func trimmingBlanks() -> String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
