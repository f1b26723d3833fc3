import Glibc
import MMCore
import MMSessions
import MMShell
import MMSystem

/// The parts of this machine that a program started with an identity can access: the caller's working directory, the
/// system, the folders with programs, and those that the caller adds.
struct ExecWalls: Sendable {
    /// The program's path.
    let program: String
    /// The access rules, except for the network.
    let rules: WorkspaceRules
    /// Notes about them for the caller.
    let notes: [String]

    /// Creates the confinement of a program.
    /// - Parameters:
    ///   - input: the call's arguments.
    ///   - directory: the caller's working directory.
    ///   - path: the `PATH` in which programs are searched.
    init(_ input: ExecInput, directory: String, path: String, with services: ShellServices) throws(MMError) {
        let own = ShellOpening.ownFiles(services).map { RealPath.of($0) ?? $0 }
        let home = RealPath.of(services.paths.home) ?? services.paths.home
        let start = RealPath.of(directory) ?? directory
        program = try Self.find(input.command[0], in: start, path: path)
        var notes: [String] = []
        var workspace = start
        var readable = Self.programFolders(path: path, home: home) + Self.folders(of: program, home: home)
        // The interpreters of scripts may be in other folders than the ones that refer to them, as in a virtual
        // environment.
        for name in Self.interpreters {
            if let found = ExecutableSearch.find(name, path: path) { readable += Self.folders(of: found, home: home) }
        }
        for folder in input.readable { readable.append(try Self.folder(folder, "read", in: start)) }
        if start == home || RealPath.lies(home, in: start) || own.contains(where: { RealPath.lies($0, in: start) }) {
            try DefaultWorkspace.make(services)
            workspace = DefaultWorkspace.path(services)
            notes.append(
                "The program starts in \(workspace), because \(start) holds your settings, which it may not read. Change to "
                    + "another folder, or add one with --read or --write.")
        }
        var seen: Set<String> = []
        let folders = readable.filter { seen.insert($0).inserted }
        var rules = WorkspaceRules(workspace: workspace, readable: folders, hidden: own)
        for folder in input.writable {
            let folder = try Self.folder(folder, "write", in: start)
            if let held = own.first(where: { RealPath.lies($0, in: folder) }) {
                throw MMError(
                    .invalidInput, "--write \(folder) contains mm's own files (\(held)).",
                    hint: "Choose a folder that contains only your work.", details: ["field": "write"])
            }
            rules.writable.append(folder)
        }
        self.rules = rules
        self.notes = notes
    }

    private static let interpreters = ["python3", "python", "node", "pwsh", "dotnet", "java", "ruby", "perl"]

    private static func find(_ name: String, in directory: String, path: String) throws(MMError) -> String {
        let found =
            name.contains("/")
            ? (name.hasPrefix("/") ? name : directory + "/" + name)
            : ExecutableSearch.find(name, path: path)
        guard let found, access(found, X_OK) == 0 else {
            throw MMError(
                .notFound, "The program \(name.prefix(200)) was not found.",
                hint: "Give its full path, or check that it is in PATH: command -v \(ShellWord.quoted(name)).",
                details: ["field": "command"])
        }
        return found
    }

    private static func folder(_ text: String, _ field: String, in directory: String) throws(MMError) -> String {
        var info = stat()
        let path = text.hasPrefix("/") ? text : directory + "/" + text
        guard let real = RealPath.of(path), real != "/", stat(real, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
            throw MMError(
                .invalidInput, "The folder --\(field) \(text.prefix(200)) does not exist or can't be used.",
                hint: "Name an existing folder other than the root.", details: ["field": .string(field)])
        }
        return real
    }

    /// Returns the folders of `PATH`. A folder outside the home is replaced by its parent, to include what is installed
    /// beside it, as in a virtual environment.
    private static func programFolders(path: String, home: String) -> [String] {
        path.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }.compactMap { folder in
            guard let real = RealPath.of(folder), !isAbove(real, home) else { return nil }
            let parent = Self.parent(real)
            return RealPath.lies(real, in: home) || isAbove(parent, home) || parent == "/" || parent == "/tmp"
                ? real : parent
        }
    }

    /// Returns the folders of a program and of its interpreters, each including its siblings.
    private static func folders(of program: String, home: String) -> [String] {
        var folders: [String] = []
        var seen: Set<String> = []
        var waiting = [program]
        while let file = waiting.popLast(), seen.count < 16, seen.insert(file).inserted {
            let folder = parent(file)
            let whole = parent(folder)
            let isOwn = whole == "/" || whole == "/tmp" || isAbove(whole, home) || whole == home + "/.local"
            folders.append(isOwn ? (isAbove(folder, home) ? file : folder) : whole)
            if let target = ProcFile.linkTarget(file) {
                waiting.append(target.hasPrefix("/") ? target : folder + "/" + target)
            } else if let interpreter = interpreter(of: file) {
                waiting.append(interpreter)
            }
        }
        return folders
    }

    /// Returns the interpreter in the first line of a script (`#!/usr/bin/python3`).
    private static func interpreter(of file: String) -> String? {
        guard let stream = fopen(file, "re") else { return nil }
        defer { fclose(stream) }
        var room = [UInt8](repeating: 0, count: 256)
        let count = fread(&room, 1, room.count, stream)
        guard count > 3, room[0] == UInt8(ascii: "#"), room[1] == UInt8(ascii: "!") else { return nil }
        let line = room[2..<count].prefix { $0 != 0x0A }
        let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
        return words.first.map { String(decoding: $0, as: UTF8.self) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }

    private static func parent(_ path: String) -> String {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        return end == path.startIndex ? "/" : String(path[..<end])
    }

    /// Whether a folder contains the whole home.
    private static func isAbove(_ folder: String, _ home: String) -> Bool { RealPath.lies(home, in: folder) }
}
