import Glibc
import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMGraph

/// Larger than a single request: four pieces of the tests' size.
private let largeSize = 3 * 4 * 327_680 + 700_001

@Suite("Uploads", .timeLimit(.minutes(5)))
struct UploadTests {
    private let contoso: Contoso
    private let path: String

    init() throws {
        contoso = try Contoso(FakeNetwork(.json("{}")))
        path = contoso.home.path + "/report.bin"
    }

    /// Bytes without a period, which could hide mistakes at the borders of pieces.
    private static let content: [UInt8] = {
        var value: UInt64 = 88_172_645_463_325_252
        return (0..<9_000_000).map { _ in
            value ^= value << 13
            value ^= value >> 7
            value ^= value << 17
            return UInt8(truncatingIfNeeded: value)
        }
    }()

    private func write(_ count: Int) throws -> [UInt8] {
        let bytes = Array(Self.content.prefix(count))
        try contoso.home.write(path, bytes)
        return bytes
    }

    private static let place = "/me/drive/root:/Reports/"

    /// A client with small pieces.
    private func client(_ transport: any HTTPTransport) throws -> GraphClient {
        var client = try contoso.client(transport: transport)
        client.uploadPiece = 4 * 327_680
        return client
    }

    /// The stored files about upload sessions.
    private var kept: [String] {
        get throws {
            try FolderListing.names(in: contoso.home.paths.stateDirectory + "/uploads").filter { $0.hasSuffix(".json") }
        }
    }

    @Test("a small file is sent in one request with its conflict behaviour", arguments: ConflictBehavior.allCases)
    func small(conflict: ConflictBehavior) async throws {
        let drive = FakeDrive()
        let bytes = try write(5000)
        let item = try await client(drive).upload(path, to: Self.place, conflict: conflict)
        #expect(drive.file("Reports/report.bin") == bytes)
        #expect(item["name"] == "report.bin")
        let sent = try #require(drive.requests.first)
        #expect(drive.requests.count == 1 && sent.method == "PUT")
        #expect(
            sent.url.hasSuffix(
                "/me/drive/root:/Reports/report.bin:/content?@microsoft.graph.conflictBehavior=\(conflict.rawValue)"))
    }

    @Test("an empty file can be uploaded")
    func empty() async throws {
        let drive = FakeDrive()
        _ = try write(0)
        try await client(drive).upload(path, to: "/me/drive/root:/empty.txt")
        #expect(drive.file("empty.txt") == [])
    }

    @Test(
        "a large file arrives complete despite faults",
        arguments: [
            [], [.lostBefore], [.lostAfter], [.status(503)], [.status(429), .status(500), .lostAfter], [.gone],
            [.lostAfter, .lostAfter, .lostAfter], [.lostBefore, .gone, .lostAfter, .gone, .status(504)],
            [.status(416)], [.status(401)],
        ] as [[FakeDrive.Fault]])
    func large(faults: [FakeDrive.Fault]) async throws {
        let drive = FakeDrive(faults: faults)
        let bytes = try write(largeSize)
        let item = try await client(drive).upload(path, to: Self.place)
        #expect(drive.file("Reports/report.bin") == bytes)
        #expect(item["size"]?.int == bytes.count)
        // A session that refuses its own address doesn't end.
        #expect(drive.openSessions == faults.count { $0 == .status(401) })
        #expect(try kept.isEmpty)
        for request in drive.transfers {
            #expect(request.headers["Authorization"] == nil && request.headers["Cookie"] == nil)
        }
        let ended = faults.count { $0 == .gone || $0 == .status(401) }
        #expect(drive.begun == 1 + ended)
    }

    @Test("a sign-out forgets begun uploads: the next one starts again, and no address is left")
    func signedOut() async throws {
        let drive = FakeDrive(faults: [.lostAfter] + Array(repeating: .lostBefore, count: 30))
        _ = try write(largeSize)
        await #expect(throws: MMError.self) { try await client(drive).upload(path, to: Self.place) }
        #expect(try kept.count == 1)
        try await IdentityService(paths: contoso.home.paths, transport: contoso.network).signOut(contoso.connection)
        #expect(try kept.isEmpty)
    }

    @Test("another process's upload is continued, and no byte is sent twice")
    func resumed() async throws {
        let drive = FakeDrive()
        let bytes = try write(largeSize)
        drive.fail([.lostAfter, .lostAfter] + Array(repeating: .lostBefore, count: 30))
        let failure = await #expect(throws: MMError.self) {
            try await client(drive).upload(path, to: Self.place)
        }
        let hint = failure?.hint ?? ""
        #expect(hint.contains("Repeat the call to continue"))
        let file = try #require(try kept.first)
        var status = stat()
        #expect(stat(contoso.home.paths.stateDirectory + "/uploads/" + file, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)

        let before = drive.requests.count
        drive.clearFaults()
        try await client(drive).upload(path, to: Self.place)
        #expect(drive.file("Reports/report.bin") == bytes)
        let pieces = drive.requests[before...].filter { $0.method == "PUT" }
        #expect(pieces.reduce(0) { $0 + ($1.body?.count ?? 0) } == bytes.count - 2 * 4 * 327_680)
        #expect(drive.begun == 1)
        #expect(try kept.isEmpty)
    }

    @Test(
        "if the service accepts nothing, or doesn't complete the file, the upload is given up",
        arguments: [FakeDrive.Fault.stuck, .lostBefore, .status(503), .unfinished])
    func stuck(fault: FakeDrive.Fault) async throws {
        let drive = FakeDrive(faults: Array(repeating: fault, count: 500))
        _ = try write(largeSize)
        let error = await #expect(throws: MMError.self) { try await client(drive).upload(path, to: Self.place) }
        #expect(error?.code == .unavailable)
        #expect(drive.requests.count < 50)
        #expect(try kept.count == 1)
    }

    @Test("a session that has every byte is asked for the end, and sent nothing more")
    func unconfirmed() async throws {
        let drive = FakeDrive(faults: Array(repeating: .unfinished, count: 500))
        let bytes = try write(largeSize)
        for _ in 1...2 {
            let error = await #expect(throws: MMError.self) { try await client(drive).upload(path, to: Self.place) }
            #expect(error?.code == .unavailable)
        }
        #expect(drive.sent == bytes.count && drive.begun == 1)
        #expect(drive.requests.count < 50)
    }

    @Test("a session whose last answer was lost doesn't create a second file")
    func lostEnd() async throws {
        let drive = FakeDrive(faults: [.lostAfter, .lostAfter, .lostAfter])
        let bytes = try write(largeSize)
        try await client(drive).upload(path, to: Self.place)
        #expect(drive.file("Reports/report.bin") == bytes && drive.begun == 1)
        #expect(drive.sent == bytes.count)
    }

    @Test("an existing file with that name stays, and the error says what can be done", arguments: [5000, largeSize])
    func taken(size: Int) async throws {
        let drive = FakeDrive(files: ["Reports/report.bin": [1, 2, 3]])
        let bytes = try write(size)
        let client = try self.client(drive)
        let error = await #expect(throws: MMError.self) { try await client.upload(path, to: Self.place) }
        #expect(error?.code == .conflict)
        let hint = error?.hint ?? ""
        #expect(hint.contains("--conflict"))
        #expect(drive.file("Reports/report.bin") == [1, 2, 3])
        try await client.upload(path, to: Self.place, conflict: .replace)
        #expect(drive.file("Reports/report.bin") == bytes)
        // A repeated call finds the same content under that name.
        try await client.upload(path, to: Self.place)
    }

    @Test("a wrong checksum is an error", arguments: [5000, largeSize])
    func checksum(size: Int) async throws {
        let drive = FakeDrive()
        drive.lieAboutHash("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        _ = try write(size)
        let error = await #expect(throws: MMError.self) {
            try await client(drive).upload(path, to: Self.place)
        }
        let message = error?.message ?? ""
        #expect(message.contains("differs from the local file"))
    }

    @Test(
        "nothing is sent to an address on this machine",
        arguments: ["http://127.0.0.1/x", "https://10.0.0.1/x", "ftp://a/x"])
    func address(url: String) async throws {
        _ = try write(largeSize)
        let network = FakeNetwork(.json(#"{"uploadUrl":"\#(url)"}"#))
        let error = await #expect(throws: MMError.self) {
            try await client(network).upload(path, to: Self.place)
        }
        #expect(error?.code == .denied || error?.code == .remoteFailed)
        #expect(network.requests.count == 1)
    }

    @Test("small attachments are sent as JSON, large ones through a session")
    func attachments() async throws {
        let drive = FakeDrive(faults: [.lostAfter, .status(503)])
        let small = try write(2_000_000)
        let client = try self.client(drive)
        try await client.upload(path, to: "/me/messages/AAMk/attachments")
        #expect(drive.file("report.bin") == small)
        let large = try write(9_000_000)
        #expect(try await client.upload(path, to: "/me/messages/AAMk/attachments") == .null)
        #expect(drive.file("report.bin") == large)
        let pieces = drive.transfers.filter { $0.method == "PUT" }
        #expect(pieces.allSatisfy { ($0.body?.count ?? 0) < 4 << 20 && $0.headers["Authorization"] == nil })
    }

    @Test("attachments that no mailbox accepts are refused before anything is sent")
    func tooLarge() async throws {
        _ = try write(1)
        #expect(truncate(path, off_t((150 << 20) + 1)) == 0)
        let drive = FakeDrive()
        let error = await #expect(throws: MMError.self) {
            try await client(drive).upload(path, to: "/me/messages/AAMk/attachments")
        }
        #expect(error?.code == .limitExceeded && drive.requests.isEmpty)
    }

    @Test("folders, pipes and missing files are refused with the reason")
    func noFiles() async throws {
        let client = try self.client(FakeDrive())
        #expect(mkfifo(contoso.home.path + "/pipe", 0o600) == 0)
        for name in ["", "/pipe", "/missing"] {
            await #expect(throws: MMError.self) { try await client.upload(contoso.home.path + name, to: Self.place) }
        }
    }
}
