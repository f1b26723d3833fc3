internal import MMCore

/// Patterns that may match files with keys or passwords.
extension ShellJudge {
    /// Returns whether a pattern may match a file that contains keys or passwords.
    /// - Parameter path: the pattern, behind a slash if the folder in which it begins isn't known.
    static func mayMatchSecret(_ path: String) -> Bool {
        guard let pattern = path.firstIndex(where: { "*?[{".contains($0) }), !isPublicPart(path) else { return false }
        // The path before the pattern may be the beginning of such a name: `~/.ssh/*`, `~/.net*`.
        let fixed = path[..<pattern]
        if let hidden = fixed.range(ofLast: "/."), fixed[hidden.upperBound...].utf8.count > 0,
            secretFiles.contains(where: { $0.hasPrefix(fixed[hidden.lowerBound...]) })
        {
            return true
        }
        return mayNameSecret(path)
    }

    /// Returns whether a pattern matches one of these files or folders: `/et?/sh?dow`. Too few letters may match
    /// anything.
    private static func mayNameSecret(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        let sayEnough = parts.map { lettersFixed(by: $0.prefix { $0 != "{" }) > 1 }
        return secretNames.contains { named in
            guard parts.count >= named.count else { return false }
            let starts = named.first == "etc" ? 0...0 : 0...(parts.count - named.count)
            return starts.contains { start in
                let end = start + named.count - 1
                return sayEnough[end] && zip(parts[start..<end], named).allSatisfy(ShellContext.mayBe)
                    && (ShellContext.mayBe(parts[end], named[end - start]) || parts[end].hasPrefix(named[end - start]))
            }
        }
    }

    /// Returns how many letters and underscores of a name a pattern says. A range, `[a-z]`, says none.
    static func lettersFixed(by pattern: Substring) -> Int {
        var count = 0
        var rest = pattern
        while let character = rest.popFirst() {
            if character == "[", let end = rest.dropFirst().firstIndex(of: "]") {
                let isOpen = rest[..<end].contains { "-!^:".contains($0) }
                count += !isOpen && rest[..<end].contains(where: \.isLetter) ? 1 : 0
                rest = rest[end...].dropFirst()
            } else if character.isLetter || character == "_" {
                count += 1
            }
        }
        return count
    }

    private static let secretNames = (["/etc/shadow", "/etc/gshadow"] + secretFiles + homeSecrets)
        .map { $0.split(separator: "/") }

    /// Returns the words for which one with braces stands: `/etc/{passwd,shadow}`; `nil` without braces, and for code
    /// and data. Braces multiply each other, so a short word may stand for more words than there is time for: then none
    /// is returned, and any may be meant.
    static func alternatives(in word: String) -> [String]? {
        guard var open = firstAlternatives(in: word) else { return nil }
        var words: [String] = []
        while let next = open.popLast() {
            if let more = firstAlternatives(in: next) { open += more } else { words.append(next) }
            if open.count + words.count > 200 { return [] }
        }
        return words
    }

    private static func firstAlternatives(in word: String) -> [String]? {
        guard let open = word.firstIndex(of: "{"), let close = word[open...].firstIndex(of: "}"),
            word[open...close].contains(","), !word.contains(where: { "\"'$:; \n".contains($0) })
        else { return nil }
        return word[word.index(after: open)..<close].split(separator: ",", omittingEmptySubsequences: false).map {
            String(word[..<open] + $0 + word[word.index(after: close)...])
        }
    }
}

extension StringProtocol {
    /// Returns the range of the last occurrence of a text.
    fileprivate func range(ofLast text: String) -> Range<Index>? {
        var index = endIndex
        while index > startIndex {
            index = self.index(before: index)
            if self[index...].hasPrefix(text) { return index..<self.index(index, offsetBy: text.count) }
        }
        return nil
    }
}
