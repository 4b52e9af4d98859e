// One Mavibot file with one B-tree of keys and values, used as an application uses the library: a
// RecordManager on a directory, and a tree of byte arrays in it. Nothing is synced, retried or
// repaired here, and what the library throws goes on.

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.directory.mavibot.btree.BTree;
import org.apache.directory.mavibot.btree.MavibotInspector;
import org.apache.directory.mavibot.btree.RecordManager;
import org.apache.directory.mavibot.btree.Tuple;
import org.apache.directory.mavibot.btree.TupleCursor;
import org.apache.directory.mavibot.btree.serializer.ByteArraySerializer;

final class MavibotStore {
  /** Takes what `dump` says. */
  interface PairVisitor {
    void onPair(byte[] key, byte[] value) throws IOException;
  }

  /** What `open` can be told. */
  static final class Options {
    int pageSize = RecordManager.DEFAULT_PAGE_SIZE;
    /** Changes go between beginTransaction() and commit(); else each is committed on its own. */
    boolean joined;
  }

  private static final String TREE = "kv";

  // The inspector has a set of pages for each tree, of its newest revision, and these two.
  private static final Set<String> NO_TREES = Set.of("__global__", "__free-pages__");

  private static final long FIRST_FREE_PAGE = 8;  // where the file says which one it is

  private final String path;
  private final RecordManager manager;
  private final boolean joined;
  private BTree<byte[], byte[]> tree;  // null before the first transaction of a new file

  MavibotStore(String directory, Options options) {
    path = directory + "/mavibot.db";
    manager = new RecordManager(directory, options.pageSize);
    joined = options.joined;
    tree = manager.getManagedTree(TREE);
  }

  /** Applies the changes; a value that is null deletes. The library has acknowledged them then. */
  void apply(List<byte[][]> changes) throws Exception {
    if (tree == null) {
      tree = manager.addBTree(TREE, ByteArraySerializer.INSTANCE, ByteArraySerializer.INSTANCE,
                              BTree.FORBID_DUPLICATES);
    }
    if (!joined) {
      applyEach(changes);
      return;
    }
    manager.beginTransaction();
    boolean done = false;
    try {
      applyEach(changes);
      done = true;
    } finally {
      if (done) {
        manager.commit();
      } else {
        manager.rollback();
      }
    }
  }

  private void applyEach(List<byte[][]> changes) throws IOException {
    for (byte[][] change : changes) {
      if (change[1] == null) {
        tree.delete(change[0]);
      } else {
        tree.insert(change[0], change[1]);
      }
    }
  }

  void dump(PairVisitor visitor) throws Exception {
    if (tree == null) {
      return;
    }
    TupleCursor<byte[], byte[]> cursor = tree.browse();
    try {
      while (cursor.hasNext()) {
        Tuple<byte[], byte[]> pair = cursor.next();
        visitor.onPair(pair.getKey(), pair.getValue());
      }
    } finally {
      cursor.close();
    }
  }

  /**
   * Runs the library's inspector, which is not public, and compares the sets of pages that it has
   * made. Returns what is wrong, or null.
   */
  String check() throws Exception {
    Field field = MavibotInspector.class.getDeclaredField("checkedPages");
    field.setAccessible(true);
    Map<?, ?> pages = (Map<?, ?>) field.get(null);
    pages.clear();  // it is static: those of the store before are still there
    String complaint = checkFreeList();
    if (complaint == null) {
      complaint = inspect();
    }
    if (complaint != null) {
      return complaint;
    }
    if (tree != null && !pages.containsKey(TREE)) {
      return "the tree of trees does not name the tree " + TREE + ", which is in use";
    }
    Set<Long> free = new HashSet<>(MavibotInspector.getFreePages());
    for (Object name : pages.keySet()) {
      if (NO_TREES.contains(name)) {
        continue;
      }
      for (long offset : MavibotInspector.getPageOffsets((String) name)) {
        if (free.contains(offset)) {
          return "page at " + offset + " is free and in use by " + name;
        }
      }
    }
    return null;
  }

  // The inspector follows a list of free pages that is a cycle for ever; opening finds it, but what
  // opening then frees may make one.
  private String checkFreeList() throws IOException {
    Set<Long> seen = new HashSet<>();
    try (RandomAccessFile file = new RandomAccessFile(path, "r")) {
      file.seek(FIRST_FREE_PAGE);
      long offset = file.readLong();
      while (offset >= 0 && offset <= file.length() - Long.BYTES) {
        if (!seen.add(offset)) {
          return "the list of free pages comes back to the page at " + offset;
        }
        file.seek(offset);
        offset = file.readLong();
      }
    }
    return null;  // how it ends is for the inspector to say
  }

  // It says some of what it finds on standard output, and throws the rest.
  private String inspect() throws Exception {
    Method check = MavibotInspector.class.getDeclaredMethod("check", RecordManager.class);
    check.setAccessible(true);
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    try (PrintStream both = new PrintStream(said)) {
      System.setOut(both);
      System.setErr(both);
      check.invoke(null, manager);
    } catch (InvocationTargetException thrown) {
      return MavibotDriver.describe(thrown.getCause());
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
    for (String line : said.toString().split("\n")) {
      if (line.startsWith("Wrong ") || line.startsWith("PageIO ") || line.startsWith("The ")) {
        return line;
      }
    }
    return null;
  }

  void close() throws IOException {
    manager.close();
  }
}
