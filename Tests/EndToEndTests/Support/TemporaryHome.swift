import Glibc
import MMCore
import MMSystem

/// A home folder of a test's own, removed with it.
final class TemporaryHome: Sendable {
    /// The folder.
    let path: String

    init() throws {
        Signals.ignoreBrokenPipes()
        // The process's number in the name lets what ends with it find the pools that have no parent.
        var template = Array("/tmp/mm-e2e.\(getpid()).XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw MMError(.internalError, "no temporary folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        endPool()
        // The folder's own name keeps this from ever reaching anything else.
        if path.hasPrefix("/tmp/mm-e2e.") { Self.remove(path) }
    }

    /// The processes of the pools that programs of this home have started.
    var pools: [ProcessIdentity] {
        (try? files())?.filter { $0.path.contains("/.m365-state/pool") && $0.path.hasSuffix(".json") }.compactMap {
            file in
            guard let record = try? JSONParser.parse(file.bytes), let pid = record["pid"]?.int,
                let startTime = record["startTime"]?.int
            else { return nil }
            return ProcessIdentity(pid: Int32(pid), startTime: UInt64(startTime))
        } ?? []
    }

    /// Kills the pools, so that nothing writes into the folder while it goes.
    private func endPool() {
        for pool in pools where pool.signal(SIGKILL) {
            while pool.isRunning { usleep(1_000) }
        }
    }

    /// What programs of this home are started with: nothing of the person's own.
    var environment: [String: String] {
        ["HOME": path, "PATH": "/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": path, "LANG": "C.UTF-8"]
    }

    /// Every file below the home with its bytes.
    func files() throws -> [(path: String, bytes: [UInt8])] {
        var found: [(path: String, bytes: [UInt8])] = []
        Self.walk(path) { file in
            let descriptor = open(file, O_RDONLY | O_NOFOLLOW)
            guard descriptor >= 0 else { return }
            defer { close(descriptor) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count <= 0 { break }
                bytes += buffer[..<count]
            }
            found.append((file, bytes))
        }
        return found
    }

    /// An entry is as long as its name: reading it by value would read past its end.
    private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
        let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
        return String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
    }

    private static func walk(_ folder: String, _ visit: (String) -> Void) {
        guard let handle = opendir(folder) else { return }
        defer { closedir(handle) }
        while let entry = readdir(handle) {
            let name = Self.name(of: entry)
            if name == "." || name == ".." { continue }
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                walk(path, visit)
            } else if status.st_mode & S_IFMT == S_IFREG {
                visit(path)
            }
        }
    }

    private static func remove(_ folder: String) {
        if let handle = opendir(folder) {
            while let entry = readdir(handle) {
                let name = name(of: entry)
                if name == "." || name == ".." { continue }
                let path = "\(folder)/\(name)"
                var status = stat()
                guard lstat(path, &status) == 0 else { continue }
                if status.st_mode & S_IFMT == S_IFDIR { remove(path) } else { unlink(path) }
            }
            closedir(handle)
        }
        rmdir(folder)
    }
}
