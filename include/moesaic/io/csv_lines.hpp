// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <moesaic/core/shape.hpp>
#include <moesaic/io/file.hpp>
#include <moesaic/io/text.hpp>

namespace moesaic::csv {

/// The text of a file, without a byte order mark.
inline std::string read_text(const std::string& path) {
  const io::InputFile file(path);
  std::string text(std::size_t(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

/// Splits a text into lines and cells: LF or CRLF, the last one with or without; cells trimmed, in double quotes or not (RFC
/// 4180).
class Lines {
 public:
  Lines(const std::string& path, std::string_view text, char separator)
      : path_(path),
        blanks_(separator == '\t' ? " " : " \t"),
        rest_(text.substr(0, text.find_last_not_of(std::string(blanks_) + "\r\n") + 1)),
        separator_(separator) {}

  /// Goes to the next line; false behind the last. Empty lines at the end of the file are none.
  bool next() {
    if (rest_.empty()) return false;
    ++number_;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    cells_.clear();
    unquoted_.clear();
    if (separator_ == ' ') {
      split_blanks(line);
    } else {
      split(line);
    }
    return true;
  }
  std::size_t number() const { return number_; }
  const std::vector<std::string_view>& cells() const { return cells_; }

 private:
  std::string_view trim(std::string_view s) const {
    const std::size_t begin = std::min(s.find_first_not_of(blanks_), s.size());
    return s.substr(begin, s.find_last_not_of(blanks_) + 1 - begin);
  }
  void split_blanks(std::string_view line) {
    for (line = trim(line); !line.empty(); line = trim(line)) {
      const std::size_t end = std::min(line.find_first_of(blanks_), line.size());
      cells_.push_back(line.substr(0, end));
      line.remove_prefix(end);
    }
  }
  void split(std::string_view line) {
    for (bool more = true; more;) {
      const std::size_t quote = std::min(line.find_first_not_of(blanks_), line.size());
      if (quote < line.size() && line[quote] == '"') {
        line = take_quoted(line.substr(quote + 1));
        more = !line.empty();
      } else {
        const std::size_t end = std::min(line.find(separator_), line.size());
        cells_.push_back(trim(line.substr(0, end)));
        more = end < line.size();
        line.remove_prefix(end);
      }
      if (more) line.remove_prefix(1);
    }
  }
  /// Takes a cell whose opening quote was read; gives what follows it, which starts with the separator or is empty.
  std::string_view take_quoted(std::string_view line) {
    std::string& cell = unquoted_.emplace_back();
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '"' && (i + 1 == line.size() || line[i + 1] != '"')) {
        const std::string_view after = line.substr(std::min(line.find_first_not_of(blanks_, i + 1), line.size()));
        require(after.empty() || after[0] == separator_, path_, ": line ", number_, ", cell ", cells_.size() + 1,
                ": expected the next cell behind the closing quote, actual ", io::in_quotes(after));
        cells_.push_back(cell);
        return after;
      }
      if (line[i] == '"') ++i;
      cell += line[i];
    }
    fail(path_, ": line ", number_, ", cell ", cells_.size() + 1, ": its opening quote is not closed on this line");
  }

  const std::string& path_;
  std::string_view blanks_;  ///< what is trimmed: a tab that separates cells is none
  std::string_view rest_;
  char separator_;
  std::size_t number_ = 0;
  std::vector<std::string_view> cells_;
  std::deque<std::string> unquoted_;  ///< a deque: cells refer to its strings
};

/// Position of `name` among the columns. Errors: it is not there; the known ones are named.
inline Index index_of(const std::string& where, const std::vector<std::string>& columns, std::string_view name) {
  const auto found = std::find(columns.begin(), columns.end(), name);
  require(found != columns.end(), where, ": has no column ", io::in_quotes(name), "; its columns: ", io::quoted_list(columns));
  return found - columns.begin();
}

/// The cells of a header, or "0", "1", ... where there is none. Errors: two names are equal.
inline std::vector<std::string> column_names(const std::string& path, const std::vector<std::string_view>& cells, bool header) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < cells.size(); ++i) names.push_back(header ? std::string(cells[i]) : std::to_string(i));
  if (const auto twin = io::duplicate(names)) fail(path, ": two columns are named ", io::in_quotes(*twin));
  return names;
}

/// A cell as `Lines` reads it back: in quotes where it needs them. Errors: it holds a line break.
inline std::string cell_text(std::string_view cell) {
  require(cell.find_first_of("\r\n") == std::string_view::npos, "csv: the text ", io::in_quotes(cell), " holds a line break");
  if (cell.find_first_of(",\" \t") == std::string_view::npos) return std::string(cell);
  std::string out = "\"";
  for (char c : cell) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

}  // namespace moesaic::csv
