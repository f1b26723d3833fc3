import Glibc
import MMCore
import MMSystem
import TestSupport

/// A temporary home folder, removed with this value.
final class TemporaryHome: Sendable {
    /// The folder.
    let path: String

    init() throws {
        Signals.ignoreBrokenPipes()
        // The process's number in the name lets cleanup find pools without a parent.
        path = try TestFolder.make("/tmp/mm-e2e.\(getpid()).")
    }

    deinit {
        endPool()
        TestFolder.remove(path)
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

    /// Kills the pools, so that nothing writes into the folder while it is removed.
    private func endPool() {
        for pool in pools where pool.signal(SIGKILL) {
            while pool.isRunning { usleep(1_000) }
        }
    }

    /// The environment of programs in this home, without the user's own settings.
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

    private static func walk(_ folder: String, _ visit: (String) -> Void) {
        for name in TestFolder.names(in: folder) {
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
}
