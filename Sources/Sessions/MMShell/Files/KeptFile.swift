package import MMCore

/// A copy of a host's file from before it was replaced; it is kept beside the file, readable only by its owner.
package struct KeptFile: Sendable, Hashable {
    /// The file that was replaced.
    package var path: String
    /// The path of the copy.
    package var copy: String
    /// The SHA-256 of the copy, as hex.
    package var digest: String
    /// The file's permissions, as chmod takes them.
    package var permissions: String
    /// The file's owner and group as numbers, as chown takes them; empty if the host doesn't report them.
    package var owner = ""

    /// Creates a record of a kept file.
    package init(path: String, copy: String, digest: String, permissions: String) {
        self.path = path
        self.copy = copy
        self.digest = digest
        self.permissions = permissions
    }

    /// The maximum number of copies of one file; the oldest are removed.
    static let most = 5
}

/// Settings for keeping a copy of a file that is about to be replaced.
package struct FileKeeping: Sendable {
    /// The name part of the copy that identifies the call.
    let label: String
    /// Records the file that is about to be replaced, and the SHA-256 of what replaces it, as hex. If it throws, the
    /// file is left unchanged.
    let note: @Sendable (KeptFile, _ left: String) async throws(MMError) -> Void

    /// Creates the settings.
    package init(label: String, note: @escaping @Sendable (KeptFile, _ left: String) async throws(MMError) -> Void) {
        self.label = label
        self.note = note
    }
}

extension RemoteFiles {
    /// Copies a file beside itself, readable only by its owner, and removes the oldest of such copies. Does nothing if
    /// there is no file, it already has the new content, or the host has no tool for checksums.
    func keep(_ path: String, unless digest: String, _ keeping: FileKeeping, timeout: Duration) async throws(MMError) {
        let script = """
            \(try await named(path)); [ -f "$f" ] || exit 0
            \(Self.sum); \(copying(label: keeping.label))
            s=$(sum "$k") && [ ${#s} = 64 ] && [ "$s" != \(digest) ] || { rm -f -- "$k"; exit 0; }
            \(Self.mode)
            set -- "$d/.$n".mm-kept-*; while [ $# -gt \(KeptFile.most) ]; do rm -f -- "$1"; shift; done
            cd -- "$d" && printf '%s\\0%s\\0%s\\0%s\\0%s' "$m" "$s" "${PWD%/}/${f##*/}" "${PWD%/}/${k##*/}" "$o"
            """
        let (status, output) = try await run(script, input: [], timeout: timeout, most: 64 << 10)
        try check(status, path)
        guard !output.isEmpty else { return }
        try await keeping.note(try Self.kept(output, path), digest)
    }

    /// Restores a file from its copy, unless the file was changed since. The content until then is kept in turn.
    /// - Parameter digest: the SHA-256 of the file as it was left.
    /// - Returns: the copy of what was replaced.
    /// - Throws: `conflict` if the file or the copy has been changed; then nothing is changed.
    package func putBack(
        _ kept: KeptFile, replacing digest: String, as label: String, timeout: Duration = .seconds(120)
    ) async throws(MMError) -> KeptFile {
        let script = """
            \(try await named(kept.path)); c=\(RemoteDialect.quoted(kept.copy))
            [ -f "$c" ] || exit 98; [ -f "$f" ] || exit 99
            \(Self.sum); [ "$(sum "$c")" = \(RemoteDialect.quoted(kept.digest)) ] || exit 98
            [ "$(sum "$f")" = \(RemoteDialect.quoted(digest)) ] || exit 99
            \(copying(label: label))
            \(Self.mode)
            \(Self.owning(kept.owner))
            chmod \(RemoteDialect.quoted(kept.permissions)) "$c" && mv -f -- "$c" "$f" || { rm -f -- "$k"; exit 93; }
            cd -- "$d" && printf '%s\\0%s\\0%s\\0%s\\0%s' "$m" \(RemoteDialect.quoted(digest)) "${PWD%/}/${f##*/}" "${PWD%/}/${k##*/}" "$o"
            """
        let (status, output) = try await run(script, input: [], timeout: timeout, most: 64 << 10)
        switch status {
        case 98:
            throw MMError(
                .conflict,
                "The copy of “\(kept.path)” was removed or changed: \(kept.copy).",
                hint: "The last \(KeptFile.most) copies of a file are kept.")
        case 99:
            throw MMError(
                .conflict, "“\(kept.path)” was changed since: nothing was restored.",
                hint: "Its earlier content is in \(kept.copy); compare the files there.")
        default: try check(status, kept.path)
        }
        return try Self.kept(output, kept.path)
    }

    /// Returns the script that names a file (the target, if it is a link) and its folder.
    private func named(_ path: String) async throws(MMError) -> String {
        "f=\(try await word(path)); [ -L \"$f\" ] && l=$(readlink -f -- \"$f\") && [ -n \"$l\" ] && f=$l; "
            + "d=$(dirname -- \"$f\"); n=$(printf %s \"${f##*/}\" | cut -c1-100)"
    }

    /// Returns the script that copies the file to a unique name. The names sort by time.
    private func copying(label: String) -> String {
        let parts = [Timestamp.now.iso8601Milliseconds, label, RandomBytes.name(bytes: 6)]
        let name = parts.map { $0.filter { $0.isLetter || $0.isNumber } }.joined(separator: "-")
        return
            "umask 077; k=$d/.$n.mm-kept-\(name); cp -- \"$f\" \"$k\" && chmod 600 \"$k\" || { rm -f -- \"$k\"; exit 96; }"
    }

    private static let mode = """
        m=$(stat -c %a -- "$f" 2>/dev/null || stat -f %Lp -- "$f" 2>/dev/null); [ -n "$m" ] || m=600
        o=$(stat -c %u:%g -- "$f" 2>/dev/null || stat -f %u:%g -- "$f" 2>/dev/null) || o=
        """

    /// Returns the script that gives the copy its old owner, or at least its group, if this account may. Permissions
    /// are set afterwards, since a change of the owner removes some.
    private static func owning(_ owner: String) -> String {
        let parts = owner.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }) else {
            return ":"
        }
        return "chown \(owner) \"$c\" 2>/dev/null || chgrp \(parts[1]) \"$c\" 2>/dev/null || :"
    }

    private static func kept(_ output: [UInt8], _ path: String) throws(MMError) -> KeptFile {
        let parts = output.split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard parts.count == 5 else {
            throw MMError(.remoteFailed, "The host's answer for “\(path)” can't be read.")
        }
        var file = KeptFile(path: parts[2], copy: parts[3], digest: parts[1], permissions: parts[0])
        file.owner = parts[4]
        return file
    }
}
