import Glibc
import MMCore

/// The folder of the owner's tools: a definition in each `.yaml`, `.yml` and `.ps1` file.
package struct ToolFolder: Sendable {
    /// The contents of the folder.
    package struct Contents: Sendable {
        /// The definitions, in the order of their names.
        package var definitions: [ToolDefinition] = []
        /// The problems of files that can't be used.
        package var problems: [ToolProblem] = []

        package init() {}

        /// Returns the definition with a name, preferring one with the same case.
        package func definition(named name: String) -> ToolDefinition? {
            definitions.first { $0.name == name } ?? definitions.first { $0.name.lowercased() == name.lowercased() }
        }
    }

    /// The state of the folder's files, by which it is known to be unchanged.
    package struct Stamp: Sendable, Equatable {
        private let files: [String: FileStamp?]

        fileprivate init(_ files: [String: FileStamp?]) { self.files = files }
    }

    private static let mostFiles = 200
    private static let mostBytes = 256 << 10

    /// The folder's path.
    package let path: String
    /// Reserved names, which no tool may have.
    private let reserved: Set<String>
    /// The session modules, by the lowercase names of their PowerShell modules.
    private let modules: [String: String]

    /// Creates access to a folder.
    /// - Parameters:
    ///   - path: its path; the folder may be missing.
    ///   - reserved: names that no tool may have.
    ///   - modules: the session modules, by the lowercase names of their PowerShell modules.
    package init(_ path: String, reserved: Set<String>, modules: [String: String]) {
        self.path = path
        self.reserved = Set(reserved.map { $0.lowercased() })
        self.modules = modules
    }

    /// Returns the state of the folder's files, from their names and times alone.
    package func stamp() -> Stamp {
        var files: [String: FileStamp?] = [:]
        for name in (try? names()) ?? [] {
            if case .file(let stamp) = FileStamp.lookUp("\(path)/\(name)") {
                files[name] = stamp
            } else {
                files[name] = .some(nil)
            }
        }
        return Stamp(files)
    }

    /// Reads all definitions; a broken one is reported and the others are still read.
    package func read() -> Contents {
        var contents = Contents()
        do throws(MMError) {
            try checkFolder()
            let names = try names()
            guard names.count <= Self.mostFiles else {
                throw MMError(
                    .limitExceeded, "\(path) contains \(names.count) definitions; the limit is \(Self.mostFiles).",
                    hint: "Move unused ones to another folder.")
            }
            for name in names { read(name, into: &contents) }
        } catch {
            contents.problems.append(ToolProblem(file: path, error))
        }
        return contents
    }

    private func names() throws(MMError) -> [String] {
        try FolderListing.names(in: path).filter { name in
            !name.hasPrefix(".") && [".yaml", ".yml", ".ps1"].contains { name.lowercased().hasSuffix($0) }
        }.sorted()
    }

    private func read(_ name: String, into contents: inout Contents) {
        let file = "\(path)/\(name)"
        do throws(MMError) {
            try check(file)
            // The file was removed after the folder was listed.
            guard let bytes = try ProtectedFile.read(file, limit: Self.mostBytes) else { return }
            let stem = name.split(separator: ".").dropLast().joined(separator: ".")
            let definition =
                name.lowercased().hasSuffix(".ps1")
                ? try ScriptDefinition.read(bytes, name: stem, place: file, modules: modules)
                : try YAMLDefinition.read(bytes, name: stem, place: file)
            guard !reserved.contains(definition.name.lowercased()) else {
                throw .definition(
                    file, line: 1, "`\(definition.name)` is the name of an operation of mm.",
                    hint: "Use another name.")
            }
            if let other = contents.definitions.first(where: { $0.name.lowercased() == definition.name.lowercased() }) {
                throw .definition(
                    file, line: 1, "`\(definition.name)` is already the name of the tool in \(other.place).",
                    hint: "Rename one of the two.")
            }
            contents.definitions.append(definition)
        } catch {
            contents.problems.append(ToolProblem(file: file, error))
        }
    }

    private func checkFolder() throws(MMError) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        try check(status, path)
    }

    /// Throws for a file that others may write, before it is parsed. Its owner and links are checked as it is opened.
    private func check(_ file: String) throws(MMError) {
        var status = stat()
        guard lstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
        try check(status, file)
    }

    private func check(_ status: stat, _ path: String) throws(MMError) {
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw MMError(
                .forbidden, "\(path) belongs to user \(status.st_uid).", hint: "Use a folder and files that you own.")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw MMError(
                .forbidden, "Other users can write to \(path) and so change what your tools do.",
                hint: "Run: chmod go-w \(ShellWord.quoted(path))")
        }
    }
}
