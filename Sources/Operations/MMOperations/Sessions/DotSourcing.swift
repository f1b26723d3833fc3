import MMCore
import PowerShellSyntax

/// A script whose dot-sourcing statements (`. .\helper.ps1`) are replaced with the content of the scripts, if these lie beside it or were
/// attached. The complete text is then judged, shown and run, in either engine.
struct DotSourcing {
    /// The complete text.
    private(set) var text: String
    /// The names of the inserted scripts.
    private(set) var joined: [String] = []
    /// The attached files that were not inserted.
    private(set) var attached: [String]
    private let file: String?
    private let files: ScriptFiles

    /// The maximum number of inserted scripts, nested ones included.
    private static let most = 20

    /// Inserts the scripts that a script dot-sources.
    init(_ text: String, _ input: RunInput, with files: ScriptFiles) async throws(MMError) {
        self.text = text
        self.files = files
        attached = input.attached
        file = input.file
        var isDone = false
        while !isDone, joined.count < Self.most { isDone = try await !joinNext() }
    }

    /// Inserts the first dot-sourced script that is available; returns whether there was one.
    private mutating func joinNext() async throws(MMError) -> Bool {
        guard text.lowercased().contains(".ps1") else { return false }
        var units = Array(text.utf16)
        let parsed = PowerShellParser.parse(utf16: units)
        for item in ScriptFacts(of: parsed).items {
            guard case .command = item.detail, let name = Self.name(item.extent, in: units),
                !joined.contains(where: { $0.lowercased() == name.lowercased() }),
                let content = try await content(of: name), Self.canStandWithin(content)
            else { continue }
            units.replaceSubrange(item.extent.start..<item.extent.end, with: Array("\n\(content)\n".utf16))
            text = String(decoding: units, as: UTF16.self)
            joined.append(name)
            attached.removeAll { Self.own($0).lowercased() == name.lowercased() }
            return true
        }
        return false
    }

    /// Returns the name of the script that a statement dot-sources; `nil` for other statements.
    private static func name(_ extent: SourceExtent, in units: [UInt16]) -> String? {
        func isEdge(_ unit: UInt16) -> Bool { [0x0A, 0x0D, 0x3B, 0x7B, 0x7D, 0x23].contains(unit) }
        let before = units[..<extent.start].last { $0 != 0x20 && $0 != 0x09 }
        let after = units[extent.end...].first { $0 != 0x20 && $0 != 0x09 }
        guard before.map(isEdge) ?? true, after.map(isEdge) ?? true else { return nil }
        let written = String(decoding: units[extent.start..<extent.end], as: UTF16.self)
        guard written.hasPrefix(". ") || written.hasPrefix(".\t") || written.hasPrefix(".\"") || written.hasPrefix(".'")
        else {
            return nil
        }
        let path = written.dropFirst().filter { $0 != "\"" && $0 != "'" }.drop { $0 == " " || $0 == "\t" }
        guard path.lowercased().hasSuffix(".ps1"), !path.contains("("), !path.contains(" -") else { return nil }
        let name = path.split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? ""
        let folder = path.dropLast(name.count).lowercased()
        let isBeside =
            !folder.contains("$") || folder.hasPrefix("$psscriptroot") && folder.filter { $0 == "$" }.count == 1
        return isBeside && !name.contains("$") && name.utf8.count > 4 ? name : nil
    }

    /// Returns whether a script has the same meaning when inserted into another one: it has no parameters and no statement that leaves it
    /// early.
    private static func canStandWithin(_ text: String) -> Bool {
        let parsed = PowerShellParser.parse(text)
        guard let root = parsed.root, root.parameterBlock == nil, root.namedBlocks.isEmpty, root.usings.isEmpty else {
            return false
        }
        return !(root.body?.statements ?? []).contains { if case .flow = $0 { true } else { false } }
    }

    private static func own(_ attached: String) -> String {
        let parts = attached.split(separator: "=", maxSplits: 1).map(String.init)
        return parts.count == 2 ? parts[0] : attached.split(separator: "/").last.map(String.init) ?? attached
    }

    private func content(of name: String) async throws(MMError) -> String? {
        if let given = attached.first(where: { Self.own($0).lowercased() == name.lowercased() }) {
            return try await files.attached([given]).first.map { String(decoding: $0.bytes, as: UTF8.self) }
        }
        return await files.lying(beside: file, name).map { String(decoding: $0, as: UTF8.self) }
    }
}
