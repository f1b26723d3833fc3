import MMCore

/// Takes out what a shell tells a person about jobs: `[1]+  Done   sleep 1`. Nobody at a prompt is there to be told, and no
/// option of bash or zsh turns it off without the job control that a command is stopped by.
///
/// Only whole lines of exactly the form count that the shell itself gives them, column by column. News of programs that
/// were killed or are stopped stay, as in a script.
struct JobNotices: Sendable {
    /// Whose notices.
    private let kind: ShellKind
    /// Where that shell writes them.
    let stream: ShellCommand.Stream
    /// The beginning of a line of which it isn't known yet whether it is a notice.
    private var held: [UInt8] = []
    private var place = Place.lineStart
    /// Whether the notice that was just left out goes on with the lines of a loop, a condition or a choice.
    private var closer: [UInt8] = []

    private enum Place: Sendable {
        /// What comes begins a line, or goes on with `held`.
        case lineStart
        /// Within a line that is passed on.
        case kept
        /// Within a notice.
        case dropped
    }

    private enum Judgement { case open, notice, other }

    /// The notices of a command.
    /// - Returns: nil where a shell gives none, a person is at its terminal, or the command asks for them (`jobs`).
    init?(_ kind: ShellKind, of command: ShellCommand) {
        guard kind == .bash || kind == .zsh, !command.input.usesTerminal,
            ByteSearch.find(Array("jobs".utf8), in: Array(command.text.utf8)) == nil
        else { return nil }
        self.kind = kind
        stream = kind == .bash ? .stderr : .terminal
    }

    /// The next bytes of the stream, without notices. The beginning of what might be one is held until the rest comes.
    mutating func filter(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + held.count)
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            switch place {
            case .kept:
                out.append(byte)
                guard byte != 0x0A else {
                    place = .lineStart
                    continue
                }
                let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
                out += rest[..<end]
                rest = rest[end...]
            case .dropped:
                held.append(byte)
                if byte == 0x0A { endNotice() }
            case .lineStart:
                held.append(byte)
                judge(into: &out)
            }
        }
        return out
    }

    /// What is still held at the end.
    mutating func finish() -> [UInt8] {
        defer { held = [] }
        return place == .dropped ? [] : held
    }

    private mutating func judge(into out: inout [UInt8]) {
        let isWhole = held.last == 0x0A
        switch closer.isEmpty ? judgement() : continuation() {
        case .open where !isWhole: break
        case .notice:
            if isWhole { endNotice() } else { place = .dropped }
        case .open, .other:
            closer = []
            out += held
            held = []
            place = isWhole ? .lineStart : .kept
        }
    }

    private mutating func endNotice() {
        let line = held
        (held, place) = ([], .lineStart)
        guard kind == .bash else { return }
        if !closer.isEmpty {
            if line.starts(with: closer) { closer = [] }
            return
        }
        // bash writes a loop as it would be written in a script: over several lines, the inner ones indented.
        let text = line.dropFirst(6 + Self.field).drop { $0 == 0x20 }
        for (opener, end) in Self.compounds where text.starts(with: opener) {
            if ByteSearch.find([0x20] + end, in: Array(text)) == nil { closer = end }
        }
    }

    private static let compounds: [(opener: [UInt8], end: [UInt8])] = [
        ("for ", "done"), ("while ", "done"), ("until ", "done"), ("select ", "done"), ("if ", "fi"), ("case ", "esac"),
    ].map { (Array($0.0.utf8), Array($0.1.utf8)) }

    /// Whether a line goes on with a notice: `do`, what is indented, and the word that closes it.
    private func continuation() -> Judgement {
        let words = [Array("    ".utf8), Array("do\n".utf8), Array("else\n".utf8), closer]
        if words.contains(where: { held.starts(with: $0) }) { return .notice }
        return words.contains(where: { $0.starts(with: held) }) ? .open : .other
    }

    /// The width of the column in which bash writes how a job ended.
    private static let field = 24

    private func judgement() -> Judgement {
        var rest = held[...]
        guard rest.popFirst() == UInt8(ascii: "[") else { return .other }
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        rest = rest.dropFirst(digits.count)
        if rest.isEmpty { return digits.count < 6 ? .open : .other }
        guard !digits.isEmpty, rest.popFirst() == UInt8(ascii: "]") else { return .other }
        return kind == .bash ? bash(rest) : zsh(rest)
    }

    /// `+  Done                    sleep 1`.
    private func bash(_ given: ArraySlice<UInt8>) -> Judgement {
        var rest = given
        for allowed in [Array("+- ".utf8), [0x20], [0x20]] {
            guard let byte = rest.popFirst() else { return .open }
            guard allowed.contains(byte) else { return .other }
        }
        guard rest.count >= Self.field else { return .open }
        let words = rest.prefix(Self.field).split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
        return Self.isQuiet(words) ? .notice : .other
    }

    /// ` 4711 4712` when a job begins, `  + done       sleep 1` when it ends.
    private func zsh(_ given: ArraySlice<UInt8>) -> Judgement {
        var rest = given
        guard let blank = rest.popFirst() else { return .open }
        guard blank == 0x20 else { return .other }
        guard let next = rest.first else { return .open }
        if (0x30...0x39).contains(next) {
            guard let last = rest.last, last == 0x0A else {
                return rest.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x20 || $0 == 0x0D } ? .open : .other
            }
            return rest.dropLast().allSatisfy { (0x30...0x39).contains($0) || $0 == 0x20 || $0 == 0x0D }
                ? .notice : .other
        }
        guard rest.count > 3 else { return .open }
        guard rest.popFirst() == 0x20, let mark = rest.popFirst(), Array("+- ".utf8).contains(mark),
            rest.popFirst() == 0x20
        else { return .other }
        guard rest.last == 0x0A else { return rest.count < 4096 ? .open : .other }
        return Self.isQuiet(rest.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }) ? .notice : .other
    }

    /// Whether a job ended in a way that is no news: by itself, or because it was told to.
    private static func isQuiet(_ words: [String]) -> Bool {
        guard let first = words.first?.lowercased() else { return false }
        if first == "exit" { return words.count > 1 && Int(words[1]) != nil }
        return ["done", "terminated", "hangup", "interrupt"].contains(first)
    }
}
