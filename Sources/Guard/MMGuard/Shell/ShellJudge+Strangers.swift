internal import MMCore
import ShellSyntax

extension ShellPrograms {
    /// Programs that measure and show a machine, its network and its files, whatever their words say.
    static let inspectors = names(
        """
        sar mtr blkid findmnt getfacl getfattr lsattr sensors lvs vgs pvs lvdisplay vgdisplay pvdisplay lvscan vgscan pvscan \
        dmidecode lshw hwinfo inxi biosdecode mailq getenforce sestatus iftop nethogs iotop atop nmon glances dstat pidstat nstat \
        rtstat slabtop numastat pmap ncdu lslogins lsns lsipc lsmem lsfd lsirq lslocks lsb_release systemd-analyze systemd-cgls \
        systemd-cgtop systemd-detect-virt systemd-path systemd-escape dpkg-query apt-cache apt-file rpmquery debsums pg_isready \
        pg_controldata ldapsearch ldapwhoami klist tracepath tracepath6 traceroute6 ping6 fping arping whois tcpdump \
        geoiplookup delv drill ipcalc sipcalc ipcs lastb lastcomm faillog utmpdump users finger pinky acpi upower powertop cpuid \
        cpufreq-info turbostat x86info edid-decode iwlist iwgetid lsscsi lsdvd vainfo vdpauinfo \
        glxinfo xrandr xdpyinfo xwininfo xprop nvidia-smi rocm-smi clinfo locate plocate mlocate exa eza lsd dust duf colordiff \
        difft icdiff wdiff sdiff diff3 zdiff xzdiff zcmp bzgrep xzgrep zipgrep ack pt ugrep rga vgrep md5deep rhash sha1deep \
        sha224sum sha384sum sum namei cloc scc tokei mediainfo ffprobe soxi pdfinfo pdffonts \
        chktex aspell hunspell lexgrog manpath nm size objdump readelf ldd addr2line c++filt eu-readelf \
        pkg-config pkgconf gcov promtool yamllint hadolint named-checkconf named-checkzone unbound-checkconf doveconf \
        ps_mem smem vnstat bmon speedtest neofetch fastfetch screenfetch hostid logname arch nproc tty runlevel \
        lsinitramfs lsinitrd hexyl bat batcat delta gron jless jid xsv qsv csvlook csvstat csvcut csvgrep miller mlr \
        tshark capinfos ngrep termshark lnstat ctop stern kubetail dive \
        zgrep zless zfgrep zegrep lz4cat zstdcat lzcat zstdgrep zstdless pstack jps jstack jstat jcmd jinfo pgbadger \
        pt-query-digest mytop innotop pg_top ccze lnav goaccess multitail tailspin angle-grinder agrind \
        dnstracer dnstop nmap swaplabel lsblk zramctl tzselect cal ncal getcap pscap filecap netcap \
        snmpwalk snmpget snmpgetnext snmpbulkwalk snmptable snmpstatus lynis uptimed uprecords ruptime rwho lstopo hwloc-ls
        """)

    /// Those that only show, by every option but such as name a file or a setting.
    static let measuring = names(
        """
        blkid findmnt getfacl getfattr lsattr sensors lvs vgs pvs lvdisplay vgdisplay pvdisplay dmidecode getenforce sestatus \
        aa-status mailq lsns lsipc lsmem lslogins lsfd lsscsi dpkg-query apt-cache pidstat slabtop numastat pmap klist tracepath \
        lastb namei iostat mpstat dstat nstat lshw ipcs getcap debsums rpmquery lsb_release pg_isready
        """)

    /// Programs that build, check, convert, pack and show what their words name, and touch nothing beside it.
    static let makers = names(
        """
        gcc g++ cc c++ clang clang++ gfortran ld ar as ranlib strip objcopy rustc swiftc swift javac java kotlinc scalac ghc ocamlc \
        nim zig tcc ldc2 dmd fpc gnatmake nasm yasm cpp autoconf automake autoreconf aclocal libtool libtoolize configure meson \
        ccache sccache protoc buf flatc thrift swig bison yacc flex gperf ctags etags cscope doxygen sphinx-build mkdocs hugo jekyll \
        pandoc asciidoctor pdflatex xelatex lualatex latexmk bibtex dvips groff troff typst mdbook black ruff isort flake8 pylint \
        mypy pyright bandit autopep8 yapf clang-format clang-tidy clangd cppcheck gofmt goimports golangci-lint staticcheck rustfmt \
        clippy-driver swift-format swiftformat swiftlint shellcheck shfmt stylelint htmlhint markdownlint markdownlint-cli vale \
        rubocop phpcs phpstan psalm ktlint checkstyle pmd spotbugs jshint jslint standard xo rome biome dprint taplo pre-commit \
        tar bsdtar gtar zip unzip gzip gunzip bzip2 bunzip2 xz unxz lzma lz4 zstd unzstd 7z 7za 7zz rar unrar cpio pax brotli pigz \
        pbzip2 ditto base64 base32 uuencode uudecode basenc openssl gpg gpg2 gpgv age minisign signify ssh-keygen ssh-keyscan \
        ssh-agent sha256deep split csplit mktemp mkdir touch mkfifo ln cp mv install link tee dd truncate rename mmv iconv recode \
        dos2unix unix2dos expand unexpand fmt pr shuf tsort ptx patch diffstat sed gsed awk gawk mawk nawk tidy xmllint xsltproc \
        xmlstarlet html2text csv2json json2yaml yq jq dasel convert magick mogrify composite montage ffmpeg sox lame flac oggenc \
        opusenc inkscape rsvg-convert potrace optipng jpegoptim pngquant gifsicle cwebp dwebp exiftool gs ps2pdf pdf2ps pdftotext \
        pdftoppm pdfunite pdfseparate qpdf pdftk img2pdf ocrmypdf tesseract graphviz dot neato plantuml mmdc vim vi \
        nvim nano emacs micro joe ne ed ex code subl hx kak less more most view strace ltrace gdb lldb perf valgrind rr hyperfine \
        wrk ab hey siege k6 vegeta locust iperf iperf3 fio sysbench stress stress-ng stream time git git-lfs hg svn fossil bzr cvs \
        gitk tig lazygit gh glab pre-commit commitizen cz changelog git-cliff act nox tox pytest jest vitest \
        mocha ava tap cypress playwright karma phpunit rspec cucumber behave bats ctest gtest lit nosetests coverage lcov genhtml gcovr \
        tmux screen byobu zellij script scriptreplay asciinema ttyrec direnv asdf mise nvm pyenv rbenv rustup sdk jenv virtualenv venv \
        pipx pip-compile pip-sync conda mamba cookiecutter copier yo degit envsubst gomplate jinja2 j2 mustache m4 cmark glow \
        wget curl aria2c axel http https xh httpie yt-dlp youtube-dl man info tldr cheat column pv progress gettext msgfmt xgettext \
        uuidgen mcookie pwgen apg xxd od hexdump file sqlite3 duckdb mysqldump pg_dump sleep sync chroma pygmentize highlight bc dc \
        units qalc gnuplot octave figlet toilet cowsay fortune lolcat banner sl say espeak speaker-test aplay xclip xsel \
        pbcopy pbpaste wl-copy wl-paste notify-send zenity dialog whiptail fzf sk gum wasm-pack wat2wasm wasm2wat \
        wasmtime wasmer emcc terser uglifyjs esbuild rollup parcel babel swc tsx ts-node sass lessc postcss tailwindcss next nuxt \
        gatsby flask uvicorn gunicorn hypercorn celery jupyter streamlit manage.py xdg-open enable bind fc autoload bindkey zmodload astro svelte-kit vue ember nx turbo lerna rush expo react-native cordova ionic storybook
        """)
}

extension ShellJudge {
    /// Whether nothing is known of a program and its words don't say that it looks, where nothing stands before what it does. A file
    /// that is run by its path is the host's own, as it is for a shell.
    func isStranger(_ call: ShellScript.Command) -> Bool {
        guard context.asksInterpreters, !call.name.contains("/") || Self.isInstalled(call.name),
            call.name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.+@/".contains($0) }), !call.name.hasPrefix("-")
        else { return false }
        let name = call.program
        let isKnown =
            ShellPrograms.inspectors.contains(name) || ShellPrograms.makers.contains(name)
            || ShellPrograms.verbless.contains(name) || ShellPrograms.starters.contains(name)
            || ClientVerbs.isCloud(name) || CarriedText.table[name] != nil
        return !isKnown && !WordMeaning.looks(name, call.arguments.map(\.value))
    }

    /// That a program which only shows does so; `nil` for another, and where an option may make more of it.
    static func measures(_ name: String, _ words: [String]) -> ShellRule? {
        let isPlain = words.allSatisfy { word in
            !["config", "file", "write", "save", "set", "restore"].contains { word.contains($0) }
                && !(word.hasPrefix("-w") || word == "-W" || word == "-c" || word == "-g")
        }
        return ShellPrograms.measuring.contains(name) && isPlain ? .reads : nil
    }

    private static func isInstalled(_ name: String) -> Bool {
        ["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/"].contains {
            name.hasPrefix($0)
        }
    }
}
