import MMCore
import MMNative
import MMShell

/// The files of a script that runs natively: what its caller hands in, and what it leaves.
struct ScriptFiles: Sendable {
    let context: OperationContext
    let services: ShellServices
    let connection: String

    /// How much of a file is handed in.
    private static let mostBytes = 64 << 20

    /// Reads the files of this machine that the caller hands in.
    func attached(_ names: [String]) async throws(MMError) -> [(name: String, bytes: [UInt8])] {
        var files: [(name: String, bytes: [UInt8])] = []
        for name in names {
            // `NAME=PATH` hands a file in under another name.
            let parts = name.split(separator: "=", maxSplits: 1).map(String.init)
            let path = parts.last ?? name
            let piece = try await CallerFiles.named(path) { () async throws(MMError) in
                try await CallerFiles(context, services).local().read(path, limit: Self.mostBytes)
            }
            guard piece.size <= Self.mostBytes else {
                throw MMError(.limitExceeded, "\(path) is too large to be handed in.", details: ["field": "attach"])
            }
            let own = path.split(separator: "/").last.map(String.init) ?? path
            files.append((parts.count == 2 ? parts[0] : own, piece.bytes))
        }
        return files
    }

    /// Hands over what a script wrote: in a folder of the caller's, else behind handles.
    /// - Returns: a line for each file.
    func handOver(_ files: [NativeHost.File], to folder: String?) async throws(MMError) -> [String] {
        var lines: [String] = []
        var taken: Set<String> = []
        for file in files {
            var name = file.name
            var number = 2
            while !taken.insert(name.lowercased()).inserted {
                name = "\(number)-\(file.name)"
                number += 1
            }
            guard let folder else {
                let outputs = services.work.outputs.of(context.call.caller)
                var writer = try outputs.begin(connection: connection)
                try writer.append(text: file.bytes)
                let stored = try writer.finishText()
                lines.append("file: \(name), \(file.bytes.count) bytes: \(stored.handle)")
                continue
            }
            var how = FileWriting()
            how.createsFolders = true
            let receipt = try await CallerFiles(context, services).local().write(
                folder + "/" + name, file.bytes, how: how)
            lines.append("file: \(receipt.path), \(file.bytes.count) bytes")
        }
        if folder == nil, !lines.isEmpty { lines.append("--save DIR puts the files into a folder.") }
        return lines
    }
}
