import MMCore

/// The prompt of a command line that was learned by looking at it: network equipment, and whatever has no POSIX shell.
///
/// The name in it stays, what surrounds the name changes with the mode: `sw1>`, `sw1#`, `sw1(config-if)#`;
/// `admin@r1>`, `admin@r1#`; `<core>`, `[core-GigabitEthernet0/0/1]`; `[admin@gw] /interface>`.
package struct NetworkDevicePrompt: Sendable, Hashable {
    /// The name that every prompt holds.
    package let stem: String
    /// Whether it shows a folder in the way of Windows.
    private let isFolder: Bool

    /// Learns from a line that a device ends with when it waits for a command.
    /// - Returns: nil when the line is no prompt.
    package init?(line: String) {
        isFolder = Self.isWindowsFolder(line)
        if isFolder {
            stem = line.hasPrefix("PS ") ? "PS" : String(line.prefix(2))
            return
        }
        var rest = Substring(line)
        while rest.last == " " { rest.removeLast() }
        guard let end = rest.last, Self.ends.contains(end), rest.count <= 100 else { return nil }
        while let last = rest.last, Self.ends.contains(last) || last == " " || last == "~" { rest.removeLast() }
        while let first = rest.first, "<[*+".contains(first) { rest.removeFirst() }
        let stem = rest.prefix { $0.isLetter || $0.isNumber || "@._-:/".contains($0) }
        // A word alone could stand anywhere; a name that a device has must not be empty.
        guard !stem.isEmpty, stem.contains(where: { $0.isLetter || $0.isNumber }) else { return nil }
        self.stem = String(stem)
    }

    private static let ends: Set<Character> = [">", "#", "$", "%", "]"]

    /// Windows' shells show a folder and nothing of a name: `C:\Users\me>`, `PS C:\>`.
    private static func isWindowsFolder(_ line: String) -> Bool {
        var rest = Substring(line)
        while rest.last == " " { rest.removeLast() }
        if rest.hasPrefix("PS ") { rest.removeFirst(3) }
        guard rest.popLast() == ">", let drive = rest.popFirst(), drive.isASCII, drive.isLetter, rest.hasPrefix(":\\")
        else {
            return false
        }
        // What a name can't hold there can't be in a prompt.
        return rest.count <= 260 && !rest.dropFirst().contains { "<>:\"|?*".contains($0) }
    }

    /// The prompt of the same device under another name, where a last line differs from its last prompt in the name alone.
    /// - Parameter last: the prompt that was seen last, which says the mode.
    func renamed(_ line: String, since last: String) -> NetworkDevicePrompt? {
        func trimmed(_ text: String) -> Substring {
            var rest = Substring(text)
            while rest.last == " " { rest.removeLast() }
            return rest
        }
        let (line, last) = (trimmed(line), trimmed(last))
        guard !isFolder, let place = String(last).firstRange(of: stem) else { return nil }
        let (front, back) = (String(last)[..<place.lowerBound], String(last)[place.upperBound...])
        guard !back.isEmpty, line.hasPrefix(front), line.hasSuffix(back), line.count > front.count + back.count else {
            return nil
        }
        let name = line.dropFirst(front.count).dropLast(back.count)
        guard name.allSatisfy({ $0.isLetter || $0.isNumber || "@._-".contains($0) }) else { return nil }
        return NetworkDevicePrompt(line: String(line))
    }

    /// Whether a last line is a prompt of this device.
    package func matches(_ line: String) -> Bool {
        if isFolder { return Self.isWindowsFolder(line) && line.hasPrefix("PS ") == (stem == "PS") }
        var line = Substring(line)
        while line.last == " " { line.removeLast() }
        guard let end = line.last, Self.ends.contains(end) else { return false }
        while let first = line.first, "<[*+".contains(first) { line.removeFirst() }
        guard line.hasPrefix(stem) else { return false }
        let rest = line.dropFirst(stem.count)
        // What follows the name says the mode; a sentence would hold other characters.
        return rest.count <= 80 && rest.allSatisfy { $0.isLetter || $0.isNumber || "()-_/.:,@~]*+>#$% ".contains($0) }
            && rest.first.map { "(-]/>#$%: ~".contains($0) } ?? false
    }
}
