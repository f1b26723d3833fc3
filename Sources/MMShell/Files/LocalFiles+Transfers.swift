import Glibc
package import MMCore
import MMSessions
import MMSystem

/// Files of this machine that other rooms send and fetch, in pieces of their own.
extension LocalFiles {
    /// The place of a file that will be written.
    package struct Place: Sendable {
        /// The folder that it will stand in.
        package let folder: OwnedDescriptor
        /// Its name there.
        package let name: String
        /// Its whole path.
        package let path: String
    }

    /// Opens a file for reading, whatever its size.
    /// - Returns: the file, and where it really lies.
    /// - Throws: `.notFound`, `.denied`, `.forbidden`.
    package func open(_ path: String) async throws(MMError) -> (file: OwnedDescriptor, path: String) {
        let (rules, whole) = (rules, try absolute(path))
        let (file, real) = try await BlockingWork.run { () throws(MMError) -> (OwnedDescriptor, String) in
            let file = OwnedDescriptor(try FileDescriptor.open(whole, O_RDONLY | O_NONBLOCK | O_NOCTTY))
            let real = Self.place(of: file.raw) ?? whole
            try rules.check(real: real, asked: path)
            return (file, real)
        }
        return (file, real)
    }

    /// Finds the place of a file that will be written.
    /// - Parameters:
    ///   - path: the file, or a folder that it goes into.
    ///   - suggested: its name in a folder.
    ///   - createsFolders: whether missing folders are made.
    /// - Throws: `.notFound`, `.denied`, `.forbidden`; `.invalidInput` for a folder where no name is suggested.
    package func place(_ path: String, suggested: String?, createsFolders: Bool = false) async throws(MMError) -> Place
    {
        let (rules, given) = (rules, try absolute(path))
        return try await BlockingWork.run { () throws(MMError) in
            var whole = try Self.followed(given, asked: path)
            var info = stat()
            if whole.hasSuffix("/") || (stat(whole, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR) {
                guard let suggested, !suggested.contains("/"), suggested != "..", suggested != "." else {
                    throw MMError(.invalidInput, "“\(path)” is a folder.", hint: "Give the path of a file.")
                }
                whole += (whole.hasSuffix("/") ? "" : "/") + suggested
            }
            var parts = whole.split(separator: "/").map(String.init)
            guard let name = parts.popLast(), name != ".", name != ".." else {
                throw MMError(.invalidInput, "“\(path)” isn't the path of a file.")
            }
            let folder = OwnedDescriptor(try Self.folder(parts, makes: createsFolders, rules, asked: path))
            let real = Self.place(of: folder.raw) ?? "/" + parts.joined(separator: "/")
            let target = real == "/" ? "/" + name : real + "/" + name
            try rules.check(real: target, asked: path)
            return Place(folder: folder, name: name, path: target)
        }
    }
}
