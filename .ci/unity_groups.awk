# Which sources can be compiled as one: prints "<group> <source>" for each source among the files,
# where the headers come first.
#
# Two sources go apart when they define the same name, for it may be a helper of each. A source with
# a helper that has the name of something in a header stays alone. Names are looked for at the
# beginning of lines, as clang-format leaves them. To be too careful costs a little time, no more.

BEGIN { most = 8 }

FNR == 1 {
  is_header = FILENAME ~ /\.h$/
  is_helper = 0
  if (!is_header) source[++sources] = FILENAME
}

/^namespace \{/ { is_helper = 1 }
/^}  \/\/ namespace$/ { is_helper = 0 }

/^(class|struct|union|enum|enum class) [A-Za-z_0-9]+[^;]*[{:]/ {
  name = $0
  sub(/^(class|struct|union|enum class|enum) /, "", name)
  sub(/[^A-Za-z_0-9].*/, "", name)
  note(name)
  next
}

/^(return|namespace|template|extern|TEST|EXPECT|ASSERT|INSTANTIATE|BENCHMARK)/ { next }

/^using [A-Za-z_0-9]+ =/ { note($2); next }

# A constant, or a function: the last word before the initialiser or the parameters.
/^[A-Za-z]/ {
  name = $0
  if (name ~ /^(constexpr|const|static|inline|thread_local) [^(]*[={]/) sub(/[={].*/, "", name)
  else if (!sub(/\(.*/, "", name)) next
  sub(/ *$/, "", name)
  while (sub(/\[[^\]]*\]$/, "", name)) {}
  if (name ~ /[ *&][A-Za-z_0-9]+$/) {
    sub(/.*[ *&]/, "", name)
    note(name)
  }
}

function note(name) {
  if (is_header) in_header[name] = 1
  else names[sources] = names[sources] " " name
  if (is_helper && !is_header && name in in_header) alone[sources] = 1
}

function fits(group, list, count,    i) {
  if (size[group] >= most) return 0
  for (i = 1; i <= count; ++i) if ((group, list[i]) in taken) return 0
  return 1
}

END {
  for (s = 1; s <= sources; ++s) {
    count = split(names[s], list, " ")
    group = "alone"
    if (!(s in alone)) {
      for (group = 1; !fits(group, list, count); ++group) {}
      for (i = 1; i <= count; ++i) taken[group, list[i]] = 1
      ++size[group]
    }
    print group, source[s]
  }
}
