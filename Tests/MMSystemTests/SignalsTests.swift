import CMMSystem
import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMSystem

@Suite("Signals", .timeLimit(.minutes(5)))
struct SignalsTests {
    @Test("a blocked signal is read from its descriptor, once")
    func descriptor() async throws {
        // Sent only to the reading thread: other threads of the test process don't block it and would end by it.
        let seen = Noted<[Int32]>([])
        let thread = try DedicatedThread.start("mm-signals") {
            let descriptor = mm_signal_descriptor([SIGUSR2, SIGHUP], 2)
            defer { close(descriptor) }
            pthread_kill(pthread_self(), SIGUSR2)
            let numbers = [mm_next_signal(descriptor), mm_next_signal(descriptor)]
            seen.change { $0 = numbers }
        }
        await thread.ended()
        #expect(seen.now == [SIGUSR2, 0])
    }

    @Test("a handled signal arrives as a call on our thread")
    func taken() async throws {
        let seen = Noted<[Int32]>([])
        let signals = try Signals.handle([SIGUSR2]) { number in seen.change { $0.append(number) } }
        let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
        let loop = try PollLoop.shared()
        // Sent to the loop's own thread: other threads of the test process would end by it.
        let watch = try loop.watch(readEnd, for: .read, once: true) { _ in pthread_kill(pthread_self(), SIGUSR2) }
        #expect(write(writeEnd, "x", 1) == 1)
        #expect(await eventually { seen.now == [SIGUSR2] })
        loop.forget(watch)
        close(readEnd)
        close(writeEnd)
        withExtendedLifetime(signals) {}
    }

    @Test("writing to a closed pipe is an error and doesn't end the process")
    func brokenPipe() throws {
        Signals.ignoreBrokenPipes()
        let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
        close(readEnd)
        #expect(write(writeEnd, "x", 1) == -1)
        #expect(errno == EPIPE)
        close(writeEnd)
    }
}
