import Glibc
import MMCore
import MMHTTP
import MMSystem
import TestSupport
import Testing

@testable import MMGraph

private let place = "/me/drive/root:/Reports/a b.bin"

@Suite("Downloads", .timeLimit(.minutes(5)))
struct DownloadTests {
    private let contoso: Contoso
    private let folder: String
    private let path: String
    private static let content = (0..<(3 << 20) + 17).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }

    init() throws {
        contoso = try Contoso(FakeNetwork(.json("{}")))
        folder = contoso.home.path + "/in"
        path = folder + "/a.bin"
        try contoso.home.write(folder + "/.keep", [])
    }

    private func drive(_ faults: [FakeDrive.Fault] = []) -> FakeDrive {
        FakeDrive(files: ["Reports/a b.bin": Self.content], faults: faults)
    }

    /// The new names in the folder.
    private var names: [String] { get throws { try FolderListing.names(in: folder).filter { $0 != ".keep" }.sorted() } }

    @Test(
        "a file arrives complete despite faults",
        arguments: [
            [], [.failed(1000)], [.failed(0), .failed(2_000_000), .failed(5)], [.status(503)],
            [.failed(1_500_000), .wholeAgain], [.failed(1_500_000), .status(404), .failed(10)],
        ] as [[FakeDrive.Fault]])
    func whole(faults: [FakeDrive.Fault]) async throws {
        let drive = drive(faults)
        let written = try await contoso.client(transport: drive).download(place, to: path)
        #expect(written == path)
        #expect(try ProtectedFile.read(path) == Self.content)
        #expect(try names == ["a.bin"])
        #expect(drive.transfers.allSatisfy { $0.headers["Authorization"] == nil && $0.headers["Cookie"] == nil })
    }

    @Test("an interrupted download is continued unless the file has changed", arguments: [false, true])
    func resumed(changes: Bool) async throws {
        let drive = drive([.failed(2_000_000)] + Array(repeating: .failed(0), count: 30))
        let client = try contoso.client(transport: drive)
        let error = await #expect(throws: MMError.self) { try await client.download(place, to: path) }
        let hint = error?.hint ?? ""
        #expect(hint.contains("2000000 bytes"))
        #expect(try names.count == 1)
        drive.clearFaults()
        let next = changes ? Array(Self.content.reversed()) : Self.content
        if changes { drive.change("Reports/a b.bin", to: next) }
        let before = drive.transfers.count
        try await client.download(place, to: path)
        #expect(try ProtectedFile.read(path) == next)
        #expect(try names == ["a.bin"])
        #expect(drive.transfers[before].headers["Range"] == (changes ? nil : "bytes=2000000-"))
    }

    @Test("a part with other content is found by the checksum, and fetched again")
    func mixed() async throws {
        let drive = drive([.failed(2_000_000)])
        let other = Array(Self.content.reversed())
        let client = try contoso.client(transport: drive)
        // The content changes during the download, but its version doesn't.
        drive.fail(Array(repeating: .failed(0), count: 30))
        await #expect(throws: MMError.self) { try await client.download(place, to: path) }
        drive.clearFaults()
        drive.swap("Reports/a b.bin", to: other)
        try await client.download(place, to: path)
        #expect(try ProtectedFile.read(path) == other)
    }

    @Test("a wrong checksum is an error, and leaves nothing")
    func checksum() async throws {
        let drive = drive()
        drive.lieAboutHash("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        await #expect(throws: MMError.self) { try await contoso.client(transport: drive).download(place, to: path) }
        #expect(try !names.contains("a.bin"))
    }

    @Test(
        "an existing file stays, is replaced, or the new one gets another name",
        arguments: ConflictBehavior.allCases)
    func conflict(behavior: ConflictBehavior) async throws {
        try contoso.home.write(path, [1, 2, 3])
        if geteuid() == 0 { #expect(chown(path, 12345, 23456) == 0) }
        #expect(chmod(path, 0o640) == 0)
        var before = stat()
        #expect(stat(path, &before) == 0)
        let client = try contoso.client(transport: drive())
        var written: String?
        do {
            written = try await client.download(place, to: path, conflict: behavior)
            #expect(written == (behavior == .rename ? folder + "/a 1.bin" : path))
        } catch {
            #expect(behavior == .fail && error.code == .conflict)
        }
        #expect((written == nil) == (behavior == .fail))
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
        #expect(status.st_uid == before.st_uid && status.st_gid == before.st_gid)
        // Files of other users aren't read.
        if geteuid() == 0 { #expect(chown(path, 0, 0) == 0) }
        let isOld = try ProtectedFile.read(path) == [1, 2, 3]
        #expect(isOld == (behavior != .replace))
        if let written { #expect(try ProtectedFile.read(written) == Self.content) }
    }

    @Test("content without a size and checksum can be fetched too")
    func stream() async throws {
        let network = FakeNetwork(HTTPResponse(status: 200, headers: ["Content-Type": "image/jpeg"], body: [9, 8, 7]))
        try await contoso.client(transport: network).download("/me/photo/$value", to: path)
        #expect(try ProtectedFile.read(path) == [9, 8, 7])
        #expect(network.requests.first?.headers["Authorization"] != nil)
    }

    @Test(
        "a file without a checksum that changes during its download is fetched anew, whatever its size",
        arguments: [5, 90])
    func changed(size: Int) async throws {
        let network = ChangingFile([Array(repeating: 1, count: 20), Array(repeating: 2, count: size)])
        try await contoso.client(transport: network).download("/me/photo/$value", to: path)
        #expect(try ProtectedFile.read(path) == Array(repeating: 2, count: size))
        #expect(network.asked == [nil, "\"1\"", "\"2\""])
    }

    @Test("a file without a version and a checksum is fetched in one piece, since two may belong to two versions")
    func withoutVersion() async throws {
        let network = ChangingFile([Array(repeating: 1, count: 20), Array(repeating: 2, count: 20)], isTagged: false)
        try await contoso.client(transport: network).download("/me/photo/$value", to: path)
        #expect(try ProtectedFile.read(path) == Array(repeating: 2, count: 20))
        #expect(network.ranges.allSatisfy { $0 == nil })
    }

    @Test("a file that can't be continued isn't fetched without end")
    func endless() async throws {
        let network = ChangingFile([Array(repeating: 1, count: 20)], isTagged: false, alwaysBreaks: true)
        let error = await #expect(throws: MMError.self) {
            try await contoso.client(transport: network).download("/me/photo/$value", to: path)
        }
        #expect(error != nil && network.ranges.count < 20)
        #expect(try names.isEmpty)
    }

    @Test("an impossible length is no length")
    func impossibleLength() async throws {
        let network = ChangingFile([[1, 2, 3, 4]], laterLength: .max)
        try await contoso.client(transport: network).download("/me/photo/$value", to: path)
        #expect(try ProtectedFile.read(path) == [1, 2, 3, 4])
    }

    @Test("one file that several download at once is complete, and no draft of one is taken for that of another")
    func atOnce() async throws {
        let bytes = Array(Self.content.prefix(5000))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { [folder, path] in
                    for _ in 0..<50 {
                        do throws(MMError) {
                            let place = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY)
                            let draft = try DownloadDraft(in: place, name: "a.bin", path: path, content: "one")
                            #expect(draft.count == 0)
                            try await draft.append(bytes)
                            _ = try await draft.finish(.replace)
                        } catch {
                            #expect(error.code == .conflict, "\(error)")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try ProtectedFile.read(path) == bytes)
        #expect(try names == ["a.bin"])
    }

    @Test("a download is begun from its first draft until that is discarded, and only the one of the same content")
    func begun() throws {
        let place = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY)
        func isBegun(_ content: String) -> Bool { DownloadDraft.isBegun("a.bin", in: place, content: content) }
        #expect(!isBegun("one"))
        let draft = try DownloadDraft(in: try place.duplicate(), name: "a.bin", path: path, content: "one")
        #expect(isBegun("one") && !isBegun("two"))
        draft.discard()
        #expect(!isBegun("one"))
    }

    @Test("a refusal leaves nothing behind", arguments: ["/me/photo/$value", place])
    func refused(endpoint: String) async throws {
        let network = FakeNetwork(.json(#"{"error":{"code":"itemNotFound","message":"gone"}}"#, status: 404))
        let error = await #expect(throws: MMError.self) {
            try await contoso.client(transport: network).download(endpoint, to: path)
        }
        #expect(error?.code == .notFound)
        #expect(try names.isEmpty)
    }

    @Test("a folder isn't a file")
    func folders() async throws {
        let network = FakeNetwork(.json(#"{"name":"Reports","folder":{"childCount":3},"size":5}"#))
        let error = await #expect(throws: MMError.self) {
            try await contoso.client(transport: network).download("/me/drive/root:/Reports", to: path)
        }
        let hint = error?.hint ?? ""
        #expect(hint.contains("/children"))
        #expect(network.requests.count == 1)
    }
}

/// A file without a checksum that is replaced after half of it was sent. The first transfer of each version breaks.
private final class ChangingFile: HTTPTransport {
    private let versions: [[UInt8]]
    private let laterLength: Int?
    private let isTagged: Bool
    private let alwaysBreaks: Bool
    private let requests = Mutex<[(version: String?, range: String?)]>([])

    /// - Parameters:
    ///   - laterLength: the length that every answer but the first states; the first then states none.
    ///   - isTagged: whether the answers name the version.
    ///   - alwaysBreaks: whether every transfer breaks.
    init(_ versions: [[UInt8]], laterLength: Int? = nil, isTagged: Bool = true, alwaysBreaks: Bool = false) {
        self.versions = versions
        self.laterLength = laterLength
        self.isTagged = isTagged
        self.alwaysBreaks = alwaysBreaks
    }

    /// The versions that the parts were asked for.
    var asked: [String?] { requests.withLock { $0.map(\.version) } }
    /// The parts that were asked for.
    var ranges: [String?] { requests.withLock { $0.map(\.range) } }

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse { Contoso.tokens("any") }

    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        let number = requests.withLock { requests in
            requests.append((request.headers["If-Range"], request.headers["Range"]))
            return requests.count
        }
        let version = min(number, versions.count)
        let (bytes, tag) = (versions[version - 1], "\"\(version)\"")
        let asked = request.headers["Range"].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } ?? 0
        // Without a version, the service sends a part of whatever it has by now.
        let start = !isTagged || request.headers["If-Range"] == tag ? asked : 0
        var headers: HTTPHeaders = isTagged ? ["ETag": tag] : [:]
        if laterLength == nil || number > 1 {
            headers.set("Content-Length", String(laterLength ?? bytes.count - start))
        }
        if start > 0 { headers.set("Content-Range", "bytes \(start)-\(bytes.count - 1)/\(bytes.count)") }
        let breaks = alwaysBreaks || (isTagged ? start == 0 : number == 1)
        let pieces = Mutex([Array(bytes[start...].prefix(breaks ? bytes.count / 2 : bytes.count))])
        return HTTPStream(
            status: start > 0 ? 206 : 200, headers: headers,
            chunks: HTTPBody(next: { () async throws(HTTPError) -> [UInt8]? in
                if let piece = pieces.withLock({ $0.popLast() }) { return piece }
                guard breaks else { return nil }
                throw HTTPError(.connectionLost, "The connection ended.")
            }))
    }
}
