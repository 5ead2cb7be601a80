#include "engine/process/confine.h"

#include <array>
#include <initializer_list>
#include <memory>

#include <grp.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <pwd.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace radial::engine {
namespace {

// A sanitizer's runtime reads files and more to make its reports.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

constexpr std::uint32_t kept_capabilities = 1U << CAP_NET_ADMIN | 1U << CAP_NET_BIND_SERVICE;

bool set_capabilities(std::uint32_t low) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  data[0].effective = low;
  data[0].permitted = low;
  return ::syscall(SYS_capset, &header, data.data()) == 0;
}

void empty_bounding_set() {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

using Filter = std::unique_ptr<void, decltype(&::seccomp_release)>;

// libseccomp's own macros for this are C99 and no C++.
scmp_arg_cmp argument(unsigned index, scmp_compare how, scmp_datum_t a, scmp_datum_t b = 0) { return {index, how, a, b}; }

void allow(const Filter& filter, std::initializer_list<int> calls) {
  for (const int call : calls) ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
}

Status load(const Filter& filter) {
  ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  if (const int error = ::seccomp_load(filter.get()); error != 0)
    return fail_errno(-error, "cannot restrict system calls (seccomp)");
  return {};
}

}  // namespace

void forbid_dumps() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void drop_all_capabilities() {
  empty_bounding_set();
  set_capabilities(0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

Status drop_privileges() {
  if (::geteuid() != 0) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return {};
  }
  uid_t user = 65534;
  gid_t group = 65534;
  for (const auto* const name : {"radial-wire", "nobody"})
    if (const passwd* const entry = ::getpwnam(name); entry != nullptr) {
      user = entry->pw_uid;
      group = entry->pw_gid;
      break;
    }
  ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  empty_bounding_set();
  if (::setgroups(0, nullptr) != 0 || ::setresgid(group, group, group) != 0 || ::setresuid(user, user, user) != 0)
    return fail_errno(errno, fmt::format("cannot become user {}", user));
  // A container may not have given us both: keep what there is.
  if (!set_capabilities(kept_capabilities)) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data{};
    ::syscall(SYS_capget, &header, data.data());
    if (!set_capabilities(data[0].permitted & kept_capabilities))
      return fail_errno(errno, "cannot give up capabilities");
  }
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  forbid_dumps();  // a change of user resets it
  return {};
}

Status restrict_calls(int routing_socket) {
  if (sanitized) return {};
  const Filter filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)), &::seccomp_release);
  if (filter == nullptr) return fail(Errc::unsupported, "cannot make a seccomp filter");
  allow(filter,
        {SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(poll),
         SCMP_SYS(ppoll), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(accept4), SCMP_SYS(bind),
         SCMP_SYS(getsockname), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt), SCMP_SYS(shutdown), SCMP_SYS(epoll_ctl),
         SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(futex), SCMP_SYS(munmap), SCMP_SYS(mremap),
         SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
         SCMP_SYS(gettimeofday), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(tgkill),
         SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
         SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(membarrier),
         SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(exit), SCMP_SYS(exit_group),
         // Is the UAPI socket's file still there, and what time zone do log lines have.
         SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(fstat), SCMP_SYS(statx)});

  // Memory that can be run is neither made nor opened up.
  const auto no_exec = argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC);
  ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);
  ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);
  for (const int call : {SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg)})
    ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1,
                       argument(0, SCMP_CMP_NE, static_cast<scmp_datum_t>(routing_socket)));
  for (const int family : {AF_INET, AF_INET6})
    ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                       argument(0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)),
                       argument(1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM));
  for (const unsigned long request : {static_cast<unsigned long>(TUNGETIFF), static_cast<unsigned long>(SIOCGIFINDEX),
                                      static_cast<unsigned long>(SIOCGIFMTU)})
    ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, argument(1, SCMP_CMP_EQ, request));
  return load(filter);
}

Status confine_janitor() {
  if (sanitized) return {};
  const Filter filter(::seccomp_init(SCMP_ACT_KILL_PROCESS), &::seccomp_release);
  if (filter == nullptr) return fail(Errc::unsupported, "cannot make a seccomp filter");
  allow(filter, {SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
                 SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(brk),
                 SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(futex), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(exit_group)});
  return load(filter);
}

}  // namespace radial::engine
