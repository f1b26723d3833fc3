/// The files and folders of one run, in the order in which they came to be. None of them is on the machine.
struct RunFiles: Sendable {
    typealias File = NativeHost.File

    /// The folders of every run, apart from those that the script makes.
    private static let given: Set<String> = ["temp", "home", "home/downloads", "home/desktop", "home/documents"]

    /// The most bytes that the files of a run hold.
    static let largest = 256 << 20

    /// The files by the keys of their paths.
    private var files: [String: File] = [:]
    private var order: [String] = []
    private var folders: Set<String> = [""]
    private var size = 0
    /// The maximum total size in bytes.
    private let most: Int

    init(attached: [(name: String, bytes: [UInt8])], most: Int = RunFiles.largest) {
        self.most = most
        for (name, bytes) in attached { put(bytes, at: name, isWritten: false) }
    }

    /// All files, with the keys of their paths.
    var all: [(key: String, file: File)] { order.compactMap { key in files[key].map { (key, $0) } } }

    /// Returns the components of a path as written, without drives and dots.
    static func parts(of path: String) -> [Substring] {
        var parts: [Substring] = []
        for part in path.split(whereSeparator: { $0 == "/" || $0 == "\\" }) {
            switch part {
            case ".", "~": continue
            case "..": _ = parts.popLast()
            default: if part.hasSuffix(":") { continue } else { parts.append(part) }
            }
        }
        return parts
    }

    /// Returns the key of a path, which all spellings of it share.
    static func key(_ path: String) -> String { parts(of: path).joined(separator: "/").lowercased() }

    /// Returns a file; `nil` if there is none. A file that was passed in is also found by its name alone.
    func file(at path: String) -> File? {
        let key = Self.key(path)
        if let file = files[key] { return file }
        let name = key.split(separator: "/").last.map(String.init) ?? key
        return files[name].flatMap { $0.isWritten ? nil : $0 }
    }

    /// Returns the workbook that the script wrote to a path.
    func workbook(at path: String) -> Workbook? { files[Self.key(path)]?.workbook }

    /// Writes a file, or appends to it.
    /// - Returns: whether there was room; otherwise nothing is written.
    mutating func write(
        _ bytes: [UInt8], to path: String, isAppending: Bool, workbook: Workbook? = nil
    ) -> Bool {
        let replaced = isAppending ? 0 : files[Self.key(path)]?.bytes.count ?? 0
        guard size - replaced + bytes.count <= most else { return false }
        put(bytes, at: path, isAppending: isAppending, isWritten: true, workbook: workbook)
        return true
    }

    /// Keeps a file, however large.
    /// - Parameter isWritten: whether it is the work of the script.
    mutating func put(
        _ bytes: [UInt8], at path: String, isAppending: Bool = false, isWritten: Bool, workbook: Workbook? = nil
    ) {
        let key = Self.key(path)
        if files[key] == nil { order.append(key) }
        // Changed in place, because scripts append thousands of lines to one file.
        var file = files.removeValue(forKey: key) ?? File(path: path, bytes: [], isWritten: isWritten)
        if !isAppending {
            size -= file.bytes.count
            file.bytes = []
        }
        size += bytes.count
        file.bytes.append(contentsOf: bytes)
        file.path = path
        file.isWritten = isWritten
        file.workbook = workbook
        files[key] = file
    }

    /// Removes a file, or a folder with its contents.
    mutating func remove(_ path: String) {
        let key = Self.key(path)
        func isRemoved(_ other: String) -> Bool { other == key || !key.isEmpty && other.hasPrefix(key + "/") }
        order.removeAll(where: isRemoved)
        folders = folders.filter { !isRemoved($0) }
        for other in files.keys where isRemoved(other) { size -= files.removeValue(forKey: other)?.bytes.count ?? 0 }
    }

    // MARK: Folders

    mutating func makeFolder(_ path: String) { folders.insert(Self.key(path)) }

    func isFolder(_ path: String) -> Bool {
        let key = Self.key(path)
        return folders.contains(key) || Self.given.contains(key) || files.keys.contains { $0.hasPrefix(key + "/") }
    }

    /// Returns the files below a folder.
    func files(in folder: String) -> [File] {
        let key = Self.key(folder)
        return all.filter { key.isEmpty || $0.key.hasPrefix(key + "/") }.map(\.file)
    }

    /// Returns whether a folder has folders in it.
    func hasFolders(in folder: String) -> Bool {
        let start = Self.key(folder).isEmpty ? "" : Self.key(folder) + "/"
        return folders.contains { !$0.isEmpty && $0.hasPrefix(start) && $0 != start }
            || files.keys.contains { $0.hasPrefix(start) && $0.dropFirst(start.count).contains("/") }
    }
}
